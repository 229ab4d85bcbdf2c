//! What is known about the workspace of the account in force. A renewal or another login of the same
//! account keeps it; a logout or another account drops it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use byokey_auth::AccountIdentity;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::route::{RoutingFailure, WorkspaceRoute};

/// How far a lookup is.
#[derive(Clone, Debug)]
pub(super) enum Stage {
    /// The backend has not answered yet.
    Running,
    /// It named a routing that counts, or the host did.
    Known(Arc<WorkspaceRoute>),
    /// It did not.
    Failed { why: RoutingFailure, since: Instant },
}

impl Stage {
    pub(super) fn failed(why: RoutingFailure) -> Self {
        let since = Instant::now();
        Self::Failed { why, since }
    }
}

/// The workspace of the account in force, if its routing is asked for.
#[derive(Debug, Default)]
pub(crate) struct Workspaces {
    current: Mutex<Option<Entry>>,
    begun: AtomicU64,
}

/// The routing of one account. A lookup ends with it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) account: AccountIdentity,
    /// Distinguishes lookups.
    pub(super) number: u64,
    pub(super) stage: watch::Receiver<Stage>,
    task: Option<AbortHandle>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Workspaces {
    /// Returns the entry of a lookup that begins.
    pub(super) fn entry(
        &self,
        account: AccountIdentity,
        stage: watch::Receiver<Stage>,
        task: AbortHandle,
    ) -> Entry {
        self.numbered(account, stage, Some(task))
    }

    /// Records what is known without a lookup.
    pub(super) fn settle(&self, account: AccountIdentity, stage: Stage) {
        let (_, stage) = watch::channel(stage);
        let entry = self.numbered(account, stage, None);
        self.replace(Some(entry));
    }

    /// Drops what is known.
    pub(super) fn forget(&self) {
        self.replace(None);
    }

    pub(super) fn replace(&self, entry: Option<Entry>) {
        *self.current() = entry;
    }

    /// Returns whether the routing of this account is known, or being looked up.
    pub(super) fn is_in_hand(&self, account: &AccountIdentity) -> bool {
        let current = self.current();
        let entry = current.as_ref().filter(|it| it.account.is_same(account));
        entry.is_some_and(|entry| !matches!(*entry.stage.borrow(), Stage::Failed { .. }))
    }

    /// Returns the routing of this account, if it is known.
    pub(in super::super) fn known(&self, account: &AccountIdentity) -> Option<Arc<WorkspaceRoute>> {
        let current = self.current();
        let entry = current.as_ref().filter(|it| it.account.is_same(account))?;
        match &*entry.stage.borrow() {
            Stage::Known(route) => Some(Arc::clone(route)),
            Stage::Running | Stage::Failed { .. } => None,
        }
    }

    pub(super) fn current(&self) -> MutexGuard<'_, Option<Entry>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn numbered(
        &self,
        account: AccountIdentity,
        stage: watch::Receiver<Stage>,
        task: Option<AbortHandle>,
    ) -> Entry {
        Entry {
            account,
            number: self.begun.fetch_add(1, Ordering::Relaxed) + 1,
            stage,
            task,
        }
    }
}
