//! Reports changes of the credential in force to what depends on it.

use std::fmt;
use std::sync::OnceLock;

use super::AuthManager;

/// What changed the credential in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialChange {
    /// A login, or the start with a stored one.
    Login,
    /// Newer tokens of the same login.
    Renewal,
    /// A logout.
    Logout,
}

/// The function that is called after each change.
#[derive(Default)]
pub(super) struct OnChange(OnceLock<Box<dyn Fn(CredentialChange) + Send + Sync>>);

impl fmt::Debug for OnChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnChange")
    }
}

impl OnChange {
    pub(super) fn call(&self, change: CredentialChange) {
        if let Some(call) = self.0.get() {
            call(change);
        }
    }
}

impl AuthManager {
    /// Calls a function after each change of the credential in force, before the change is
    /// answered. There is one such function: a second one is not called.
    pub fn on_change(&self, call: impl Fn(CredentialChange) + Send + Sync + 'static) {
        drop(self.on_change.0.set(Box::new(call)));
    }
}
