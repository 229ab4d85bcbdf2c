//! Authentication: which credential is in force, what may replace it, what happens on a 401, which
//! observers are notified, and the interactive logins.
//!
//! All behaviour lives in [`AuthManager`]; [`Credential`] is plain data. This crate knows no
//! JSON-RPC: the host is behind [`Host`], the issuer behind [`Issuer`] and [`login::AuthorizationServer`],
//! persistence behind [`Store`], the time of day behind [`byokey_base::clock::Clock`]. Settings come
//! in as plain values: [`LoginPolicy`], [`http_issuer::IssuerSettings`], [`stores::StoreKind`].
//!
//! Reading order: `credential`, `policy`, `failure`, `state` (the rules, without IO), `manager`
//! (the same with tasks and timers), `renewal`; then `login`. `http_issuer` and `stores` implement
//! the traits, and nothing else here depends on them.

#[cfg(test)]
mod accounts_property;
pub mod background;
mod claims;
mod credential;
mod ephemeral;
mod failure;
#[cfg(test)]
pub(crate) mod fakes;
pub mod http_issuer;
mod identifier;
mod issuer;
mod lenient;
pub mod login;
#[cfg(test)]
mod managed_tests;
mod manager;
mod permanent;
mod policy;
mod renewal;
mod state;
mod store;
pub mod stores;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use claims::{Claims, InvalidToken, Residency};
pub use credential::{
    AccountIdentity, ApiKey, BearerLogin, ChatgptAccount, Credential, ExternalLogin,
    InvalidCredential, ManagedLogin, ManagedTokens, OwnCredential, PERSONAL_TOKEN_PREFIX, PeerId,
    PersonalAccessToken, RenewableBearer, RenewedTokens, TokenKind, TokenOwner, checked_bearer,
};
pub use ephemeral::EphemeralStore;
pub use failure::{LoginRefusal, OwnLoginFailure, RecoveryFailure};
pub use identifier::{is_bearer, is_identifier};
pub use issuer::{Issuer, IssuerAnswer, IssuerFailure};
pub use manager::{
    AnswerCheck, AuthManager, BearerAnswer, CredentialChange, Dependencies, Forgotten, Host,
    HostAnswer, Lease, PendingLogin, Revocation,
};
pub use permanent::PermanentFailure;
pub use policy::{ForcedMethod, LoginPolicy};
pub use state::{
    AuthState, BearerTicket, Epoch, Generation, HostTicket, HostTokens, Late, ManagedTicket,
    Recovered, Recovery, RefreshOrder, Refreshed, Renewal, Ticket, Transition,
};
pub use store::{Restored, Saving, Stamp, Store, StoreAnswer, StoreFailure, StoreLock, Stored};
