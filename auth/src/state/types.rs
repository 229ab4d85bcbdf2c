//! Inputs and outputs of the rules of the credential in force.

use std::sync::Arc;

use byokey_protocol::account::AccountUpdated;
use byokey_protocol::bearer_token::BearerTokenRefreshParams;
use byokey_protocol::external_auth::{ExternalTokens, RefreshParams};

use crate::credential::{ChatgptAccount, ExternalLogin, ManagedLogin, PeerId, RenewableBearer};
use crate::failure::RecoveryFailure;
use crate::permanent::PermanentFailure;

/// Counts the changes of the credential. The result of an operation that began under an older one
/// is ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(pub(super) u64);

/// Counts logins and logouts, but not renewals. An interactive login is superseded when it changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Epoch(pub(super) u64);

/// Identifies one refresh. At most one is in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(pub(super) u64);

/// A refresh of a host's tokens, and whose tokens they are. Only the host's answer settles it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostTicket {
    pub(super) ticket: Ticket,
    pub(super) account: ChatgptAccount,
    pub(super) supplier: PeerId,
}

/// A refresh of a host's bearer token. Only a bearer token settles it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BearerTicket {
    pub(super) ticket: Ticket,
    /// The login that is renewed.
    pub(super) login: RenewableBearer,
}

impl BearerTicket {
    /// Returns the number of the refresh.
    #[must_use]
    pub const fn number(&self) -> Ticket {
        self.ticket
    }
}

/// A renewal of a managed login, and its account. Only a managed login settles it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedTicket {
    pub(super) ticket: Ticket,
    pub(super) account: ChatgptAccount,
}

impl HostTicket {
    pub(super) fn new(ticket: Ticket, login: &ExternalLogin) -> Self {
        Self {
            ticket,
            account: login.account.clone(),
            supplier: login.supplier,
        }
    }

    /// Returns the number of the refresh.
    #[must_use]
    pub const fn number(&self) -> Ticket {
        self.ticket
    }
}

impl ManagedTicket {
    pub(super) fn new(ticket: Ticket, login: &ManagedLogin) -> Self {
        Self {
            ticket,
            account: login.account.clone(),
        }
    }

    /// Returns the number of the refresh.
    #[must_use]
    pub const fn number(&self) -> Ticket {
        self.ticket
    }
}

/// A refresh to be requested. The ticket is to be returned with the answer.
#[derive(Debug)]
pub enum RefreshOrder {
    /// From the host that owns the login.
    Host {
        /// The ticket.
        ticket: HostTicket,
        /// The peer to ask first.
        supplier: PeerId,
        /// The parameters of the request.
        params: RefreshParams,
    },
    /// From the host that owns a bearer token.
    HostBearer {
        /// The ticket.
        ticket: BearerTicket,
        /// The only peer that can be asked.
        supplier: PeerId,
        /// The parameters of the request.
        params: BearerTokenRefreshParams,
    },
    /// Of a managed login: from the store, or the issuer.
    Managed {
        /// The ticket.
        ticket: ManagedTicket,
        /// The login to renew.
        login: Arc<ManagedLogin>,
        /// Why the issuer will not renew it; then only the store can help.
        permanent_failure: Option<PermanentFailure>,
    },
}

/// A renewed managed login, not yet checked.
#[derive(Debug)]
pub enum Renewal {
    /// The issuer renewed it.
    Issuer(Arc<ManagedLogin>),
    /// Another process renewed it; read from the store.
    Store(Arc<ManagedLogin>),
}

/// The answer to a refresh that is no longer in flight: a login or logout came first.
#[derive(Debug)]
pub struct Late(pub Result<Renewal, RecoveryFailure>);

/// How a call can be retried after a 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovered {
    /// With tokens that were in force already: from another call, another process or another login.
    /// No request was made for this call.
    Replaced,
    /// With tokens requested for it. If they are refused as well, nothing is left to try.
    Renewed,
}

/// The tokens in a host's answer to a refresh.
#[derive(Debug)]
pub struct HostTokens {
    /// The tokens, not yet checked.
    pub tokens: ExternalTokens,
    /// The connection that answered; it is asked first next time.
    pub supplier: PeerId,
}

/// The waiters of a refresh, its outcome, and the update for all clients: always one after a login
/// or logout, and after a refresh only if it changed the account.
#[derive(Debug)]
#[must_use = "the waiters must be woken"]
pub struct Transition<W, U = AccountUpdated> {
    /// The waiters to wake.
    pub waiters: Vec<W>,
    /// How they can be retried.
    pub outcome: Result<Recovered, RecoveryFailure>,
    /// The update.
    pub update: U,
}

/// The end of a refresh. The update is there if the account changed.
pub type Refreshed<W> = Transition<W, Option<AccountUpdated>>;

/// What follows a 401.
#[derive(Debug)]
pub enum Recovery<W> {
    /// A decision: retry, or fail.
    Decided(W, Result<Recovered, RecoveryFailure>),
    /// Wait for the refresh in flight (single-flight).
    Joined,
    /// Request this refresh and wait for it.
    Ask(RefreshOrder),
}
