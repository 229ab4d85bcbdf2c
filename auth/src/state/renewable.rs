//! The logins that can be renewed: where newer tokens are requested, and with what.

use std::sync::Arc;

use byokey_protocol::bearer_token::BearerTokenRefreshParams;
use byokey_protocol::external_auth::{RefreshParams, RefreshReason};

use super::types::{BearerTicket, HostTicket, ManagedTicket, RefreshOrder, Ticket};
use crate::credential::{BearerLogin, Credential, ExternalLogin, ManagedLogin};
use crate::permanent::PermanentFailure;

/// A login that can be renewed.
pub(super) enum Renewable<'a> {
    /// By the host that owns it.
    Host(&'a ExternalLogin),
    /// By the host that owns the bearer token.
    HostBearer(&'a BearerLogin),
    /// By this program.
    Managed(&'a Arc<ManagedLogin>),
}

impl<'a> Renewable<'a> {
    /// Returns the login of this credential, if it can be renewed.
    pub(super) fn of(credential: &'a Credential) -> Option<Self> {
        match credential {
            Credential::External(login) => Some(Self::Host(login)),
            Credential::Bearer(login) => Some(Self::HostBearer(login)),
            Credential::Managed(login) => Some(Self::Managed(login)),
            Credential::ApiKey(_) | Credential::PersonalAccessToken(_) => None,
        }
    }

    /// Returns the order for this refresh.
    pub(super) fn order(
        &self,
        ticket: Ticket,
        reason: RefreshReason,
        permanent_failure: Option<PermanentFailure>,
    ) -> RefreshOrder {
        match self {
            Self::Host(login) => RefreshOrder::Host {
                ticket: HostTicket::new(ticket, login),
                supplier: login.supplier,
                params: RefreshParams {
                    reason: reason.into(),
                    previous_account_id: Some(login.account_id().to_owned()),
                },
            },
            Self::HostBearer(login) => RefreshOrder::HostBearer {
                ticket: BearerTicket {
                    ticket,
                    login: login.renewable(),
                },
                supplier: login.supplier,
                params: BearerTokenRefreshParams {
                    reason: reason.into(),
                    origin: login.origin.clone(),
                },
            },
            Self::Managed(login) => RefreshOrder::Managed {
                ticket: ManagedTicket::new(ticket, login),
                login: Arc::clone(login),
                permanent_failure,
            },
        }
    }
}
