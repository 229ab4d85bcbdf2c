//! The end of one login, reported once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use byokey_protocol::account::AccountUpdated;
use byokey_protocol::login::LoginCompleted;
use tokio::sync::watch;
use uuid::Uuid;

use super::attempt::LoginObserver;

/// Reports how a login ended: by its own task, or at once by its successor. The first report
/// counts.
pub(super) struct Report {
    id: Uuid,
    /// The error to report when the login is cancelled.
    given_up: String,
    observer: Arc<dyn LoginObserver>,
    last: watch::Sender<Option<LoginCompleted>>,
    is_made: AtomicBool,
    /// The change of the account, once the login has succeeded.
    update: OnceLock<AccountUpdated>,
}

impl Report {
    pub(super) fn new(
        id: Uuid,
        given_up: String,
        observer: Arc<dyn LoginObserver>,
        last: watch::Sender<Option<LoginCompleted>>,
    ) -> Self {
        Self {
            id,
            given_up,
            observer,
            last,
            is_made: AtomicBool::new(false),
            update: OnceLock::new(),
        }
    }

    /// Records the success. The login cannot fail any more.
    pub(super) fn signed_in(&self, update: AccountUpdated) {
        // A login succeeds at most once.
        drop(self.update.set(update));
    }

    /// Returns whether the login has succeeded.
    pub(super) fn is_signed_in(&self) -> bool {
        self.update.get().is_some()
    }

    /// Reports why the login is delayed while it continues.
    pub(super) fn held_up(&self, why: &str) {
        self.observer.login_held_up(why);
    }

    /// Reports a cancelled login; as a success, if it has succeeded already.
    pub(super) fn give_up(&self) {
        self.end(if self.is_signed_in() {
            Ok(())
        } else {
            Err(self.given_up.clone())
        });
    }

    /// Reports the end, unless already reported.
    pub(super) fn end(&self, done: Result<(), String>) {
        if self.is_made.swap(true, Ordering::Relaxed) {
            return;
        }
        let completed = LoginCompleted {
            login_id: Some(self.id.to_string()),
            success: done.is_ok(),
            error: done.err(),
        };
        self.observer.login_completed(completed.clone());
        self.last.send_replace(Some(completed));
        if let Some(update) = self.update.get() {
            self.observer.account_updated(update.clone());
        }
    }
}
