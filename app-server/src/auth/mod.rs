//! Credentials: what is in force, who may replace it, what happens on a 401, who is told.
//!
//! All behaviour lives in [`AuthManager`]; [`Credential`] is plain data. Nothing here knows
//! JSON-RPC or HTTP: whom to ask and whom to tell is behind [`Host`], the time of day behind
//! [`crate::clock::Clock`].
//!
//! Reading order: `credential`, `policy`, `failure`, `state` (the rules, without IO), `manager`
//! (the same over tasks and time).

mod claims;
mod credential;
mod failure;
mod identifier;
mod manager;
mod policy;
mod state;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use claims::{Claims, InvalidToken};
pub use credential::{ApiKey, Credential, ExternalLogin, InvalidCredential, Supplier};
pub use failure::{LoginRefusal, RecoveryFailure};
pub use identifier::{is_bearer, is_identifier};
pub use manager::{AuthManager, Host, HostAnswer, Lease};
pub use policy::{ForcedMethod, LoginPolicy};
pub use state::{AuthState, Generation, HostTokens, Recovery, RefreshOrder, Settlement, Ticket};
