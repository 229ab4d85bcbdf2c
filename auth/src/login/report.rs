//! The end of one login, reported once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use byokey_protocol::account::AccountUpdated;
use byokey_protocol::login::LoginCompleted;
use tokio::sync::watch;
use uuid::Uuid;

use super::session::Audience;

/// Reports how one login ended: by its own task, or at once by what takes its place. The first
/// report counts.
pub(super) struct Report {
    id: Uuid,
    /// What is said of the login when it is given up.
    given_up: String,
    audience: Arc<dyn Audience>,
    last: watch::Sender<Option<LoginCompleted>>,
    is_made: AtomicBool,
    /// How the account changed, once the user is signed in.
    update: OnceLock<AccountUpdated>,
}

impl Report {
    pub(super) fn new(
        id: Uuid,
        given_up: String,
        audience: Arc<dyn Audience>,
        last: watch::Sender<Option<LoginCompleted>>,
    ) -> Self {
        Self {
            id,
            given_up,
            audience,
            last,
            is_made: AtomicBool::new(false),
            update: OnceLock::new(),
        }
    }

    /// Notes that the user is signed in. The login cannot fail any more.
    pub(super) fn signed_in(&self, update: AccountUpdated) {
        // There is one sign-in in a login.
        drop(self.update.set(update));
    }

    /// Returns whether the user is signed in.
    pub(super) fn is_signed_in(&self) -> bool {
        self.update.get().is_some()
    }

    /// Reports a login that is given up now: a success, if the user is signed in already.
    pub(super) fn give_up(&self) {
        let failure = (!self.is_signed_in()).then(|| self.given_up.clone());
        self.end(failure);
    }

    /// Reports the end, unless that is done: success, or this failure.
    pub(super) fn end(&self, error: Option<String>) {
        if self.is_made.swap(true, Ordering::Relaxed) {
            return;
        }
        let completed = LoginCompleted {
            login_id: Some(self.id.to_string()),
            success: error.is_none(),
            error,
        };
        self.audience.login_completed(completed.clone());
        self.last.send_replace(Some(completed));
        if let Some(update) = self.update.get() {
            self.audience.account_updated(update.clone());
        }
    }
}
