//! What goes into the rules of the credential in force, and what comes out of them.

use std::sync::Arc;

use byokey_protocol::account::AccountUpdated;
use byokey_protocol::external_auth::{ExternalTokens, RefreshParams};

use crate::credential::{Credential, ManagedLogin, Supplier};
use crate::failure::RecoveryFailure;
use crate::permanent::PermanentFailure;

/// Counts the changes of the credential. What was begun under an older one has no say any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(pub(super) u64);

/// Counts logins and logouts, but not renewals. A login that waits for its user is overtaken
/// when it changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Epoch(pub(super) u64);

/// Names one refresh. There is at most one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(pub(super) u64);

/// One refresh to be made.
#[derive(Debug)]
pub struct RefreshOrder {
    /// Comes back with the answer.
    pub ticket: Ticket,
    /// Who has newer tokens, and what to ask for.
    pub authority: Authority,
}

/// Who has newer tokens.
#[derive(Debug)]
pub enum Authority {
    /// The host that owns the login.
    Host {
        /// The peer to ask first.
        supplier: Supplier,
        /// What to ask.
        params: RefreshParams,
    },
    /// The issuer of a login of ours.
    Issuer {
        /// The login to renew.
        credential: Arc<Credential>,
        /// Why the issuer will not; then only the store can help.
        dead: Option<PermanentFailure>,
    },
}

/// What a refresh brought, not yet checked.
#[derive(Debug)]
pub enum Renewal {
    /// The host's answer.
    Host(HostTokens),
    /// A login renewed by the issuer.
    Issuer(ManagedLogin),
    /// A login that another process renewed, found in the store.
    Store(ManagedLogin),
}

/// What a call that met a 401 can try again with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Tokens that were there already: of another call, another process or another login. No
    /// peer was asked for newer ones on behalf of this call.
    Replaced,
    /// Tokens that were asked for. Where these are refused too, there is nothing left to try.
    Renewed,
}

/// Tokens by which a host answered a refresh.
#[derive(Debug)]
pub struct HostTokens {
    /// The tokens, not yet checked.
    pub tokens: ExternalTokens,
    /// Who answered; it is the one to ask next time.
    pub supplier: Supplier,
}

/// The waiters of a refresh, its outcome for them, and the update for all clients.
#[derive(Debug)]
#[must_use = "those who wait must be woken"]
pub struct Settlement<W> {
    /// The waiters to wake.
    pub waiters: Vec<W>,
    /// What they can try again with.
    pub outcome: Result<Remedy, RecoveryFailure>,
    /// The news, if the account changed.
    pub update: Option<AccountUpdated>,
}

/// What follows a 401.
#[derive(Debug)]
pub enum Recovery<W> {
    /// It is decided: try again, or give up.
    Decided(W, Result<Remedy, RecoveryFailure>),
    /// Wait for the refresh in flight.
    Joined,
    /// Wait for the refresh that has to be asked for now.
    Ask(RefreshOrder),
}
