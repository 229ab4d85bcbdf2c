//! Text conversations over the Responses API, in memory.
//!
//! Their purpose is that a token is used for real and clients of codex can hold a conversation:
//! text in, text out, streamed; no tools, no shell, no files.

mod account;
mod failure;
mod reasoning;
mod thread;
mod turn;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

pub use account::ThreadAccount;
pub use thread::{Settings, Thread, TurnRefusal};
pub use turn::TurnRunner;

/// The threads of this process, by id. Ids are UUIDs of version 7, so they sort by age.
#[derive(Debug, Default)]
pub struct Threads {
    loaded: Mutex<BTreeMap<String, Arc<Thread>>>,
    running: Arc<watch::Sender<usize>>,
}

/// Counts a turn as in progress until it is dropped.
#[derive(Debug)]
pub struct RunningTurn(Arc<watch::Sender<usize>>);

impl Drop for RunningTurn {
    fn drop(&mut self) {
        self.0
            .send_modify(|running| *running = running.saturating_sub(1));
    }
}

impl Threads {
    /// Adds a thread.
    pub fn insert(&self, thread: Thread) -> Arc<Thread> {
        let thread = Arc::new(thread);
        self.loaded().insert(thread.id.clone(), Arc::clone(&thread));
        thread
    }

    /// Returns the thread of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Arc<Thread>> {
        self.loaded().get(id).cloned()
    }

    /// Returns the ids of all threads, the oldest first.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.loaded().keys().cloned().collect()
    }

    /// Counts a turn as in progress.
    #[must_use]
    pub fn running_turn(&self) -> RunningTurn {
        self.running.send_modify(|running| *running += 1);
        RunningTurn(Arc::clone(&self.running))
    }

    /// Waits until no turn is in progress.
    pub async fn idle(&self) {
        // `self` owns the sender.
        drop(
            self.running
                .subscribe()
                .wait_for(|running| *running == 0)
                .await,
        );
    }

    fn loaded(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Thread>>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
