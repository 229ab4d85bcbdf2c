//! What is known about the workspaces of the accounts. A renewal or another login of the same
//! account keeps it; what replaces or ends the account drops it.

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

/// The workspaces of the accounts whose routing is asked for.
#[derive(Debug, Default)]
pub(crate) struct Workspaces {
    entries: Mutex<Vec<Entry>>,
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
        self.replace(entry);
    }

    /// Drops what is known.
    pub(super) fn forget(&self) {
        self.entries().clear();
    }

    /// Drops what is known about other accounts than these.
    pub(super) fn retain(&self, is_kept: impl Fn(&AccountIdentity) -> bool) {
        self.entries().retain(|entry| is_kept(&entry.account));
    }

    /// Records an entry, in place of one of the same account.
    pub(super) fn replace(&self, entry: Entry) {
        let mut entries = self.entries();
        entries.retain(|other| !other.account.is_same(&entry.account));
        entries.push(entry);
    }

    /// Returns whether the routing of this account is known, or being looked up.
    pub(super) fn is_in_hand(&self, account: &AccountIdentity) -> bool {
        let mut entries = self.entries();
        let entry = entry_of(&mut entries, account);
        entry.is_some_and(|entry| !matches!(*entry.stage.borrow(), Stage::Failed { .. }))
    }

    /// Returns the routing of this account, if it is known.
    pub(in super::super) fn known(&self, account: &AccountIdentity) -> Option<Arc<WorkspaceRoute>> {
        let mut entries = self.entries();
        let entry = entry_of(&mut entries, account)?;
        match &*entry.stage.borrow() {
            Stage::Known(route) => Some(Arc::clone(route)),
            Stage::Running | Stage::Failed { .. } => None,
        }
    }

    pub(super) fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
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

/// Returns the entry of an account. It comes last, where the next search begins: calls of one account
/// follow each other, however many there are.
pub(super) fn entry_of<'a>(
    entries: &'a mut [Entry],
    account: &AccountIdentity,
) -> Option<&'a mut Entry> {
    let at = entries.iter().rposition(|it| it.account.is_same(account))?;
    let last = entries.len() - 1;
    entries.swap(at, last);
    entries.last_mut()
}
