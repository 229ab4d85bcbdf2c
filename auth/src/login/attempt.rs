//! What every pending login needs.

use std::sync::Arc;

use byokey_protocol::account::AccountUpdated;
use byokey_protocol::login::LoginCompleted;
use tokio::sync::watch;

use super::authorization_server::AuthorizationServer;
use super::failure::LoginFailure;
use super::report::Report;
use crate::{
    AuthManager, LoginRefusal, ManagedLogin, ManagedTokens, OwnLoginFailure, PendingLogin,
};
use byokey_base::clock::Clock;

/// Observes how logins end.
pub trait LoginObserver: Send + Sync {
    /// Called at the end of a login.
    fn login_completed(&self, completed: LoginCompleted);

    /// Called when the account has changed.
    fn account_updated(&self, update: AccountUpdated);

    /// Called when a login is delayed, and continues.
    fn login_held_up(&self, why: &str);
}

/// One pending login.
pub(super) struct LoginAttempt {
    pub(super) auth: Arc<AuthManager>,
    pub(super) authorization_server: Arc<dyn AuthorizationServer>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) login: PendingLogin,
    pub(super) cancel: watch::Receiver<bool>,
    pub(super) report: Arc<Report>,
}

impl LoginAttempt {
    /// Completes when the login is cancelled.
    pub(super) async fn cancelled(&self) {
        let mut cancel = self.cancel.clone();
        // A dropped sender has cancelled the login.
        drop(cancel.wait_for(|cancelled| *cancelled).await);
    }

    /// Logs in with the issuer's tokens. Once started, this is not cancelled.
    pub(super) async fn log_in(&self, tokens: ManagedTokens) -> Result<(), LoginFailure> {
        let tokens = ManagedTokens {
            obtained_at: Some(self.clock.unix_seconds()),
            ..tokens
        };
        let login = ManagedLogin::new(tokens)
            .map_err(|invalid| OwnLoginFailure::Refused(LoginRefusal::Invalid(invalid)))?;
        let update = self
            .auth
            .login_own(login.into(), self.login.clone())
            .await?;
        self.report.signed_in(update);
        Ok(())
    }
}
