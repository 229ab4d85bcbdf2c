//! Inputs and outputs of the rules of the credential in force.

use std::sync::Arc;

use byokey_protocol::account::AccountUpdated;
use byokey_protocol::external_auth::{ExternalTokens, RefreshParams};

use crate::credential::{ManagedLogin, PeerId};
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

/// A refresh to be requested.
#[derive(Debug)]
pub struct RefreshOrder {
    /// To be returned with the answer.
    pub ticket: Ticket,
    /// Where to request newer tokens, and the parameters.
    pub source: RefreshSource,
}

/// A source of newer tokens.
#[derive(Debug)]
pub enum RefreshSource {
    /// The host that owns the login.
    Host {
        /// The peer to ask first.
        supplier: PeerId,
        /// The parameters of the request.
        params: RefreshParams,
    },
    /// The issuer of a managed login.
    Issuer {
        /// The login to renew.
        login: Arc<ManagedLogin>,
        /// Why the issuer will not renew it; then only the store can help.
        permanent_failure: Option<PermanentFailure>,
    },
}

/// The result of a refresh, not yet checked.
#[derive(Debug)]
pub enum Renewal {
    /// The host's answer.
    Host(HostTokens),
    /// A login renewed by the issuer.
    Issuer(ManagedLogin),
    /// A login that another process renewed, read from the store.
    Store(ManagedLogin),
}

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

/// The waiters of a refresh, its outcome, and the update for all clients.
#[derive(Debug)]
#[must_use = "the waiters must be woken"]
pub struct Transition<W> {
    /// The waiters to wake.
    pub waiters: Vec<W>,
    /// How they can be retried.
    pub outcome: Result<Recovered, RecoveryFailure>,
    /// The update, if the account changed.
    pub update: Option<AccountUpdated>,
}

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
