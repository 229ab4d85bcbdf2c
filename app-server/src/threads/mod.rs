//! Text conversations over the Responses API, in memory.
//!
//! Their purpose is that a token is used for real and clients of codex can hold a conversation:
//! text in, text out, streamed; no tools, no shell, no files.

mod account;
mod failure;
mod reasoning;
pub(crate) mod size;
mod subscribers;
mod thread;
mod turn;
mod unload;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

pub use account::ThreadAccount;
pub use subscribers::Subscribers;
pub use thread::{Settings, Thread, TurnRefusal};
pub use turn::TurnRunner;
pub use unload::Deletion;

use crate::peers::Peers;
use size::{MAX_CONVERSATION, MAX_CONVERSATIONS, MAX_THREADS, MAX_TURNS};
use unload::Sweeper;

/// The threads of this process, by id. Ids are UUIDs of version 7, so they sort by age.
#[derive(Debug)]
pub struct Threads {
    peers: Arc<Peers>,
    loaded: Mutex<BTreeMap<String, Arc<Thread>>>,
    running: Arc<watch::Sender<usize>>,
    sweeper: Sweeper,
}

/// Why a conversation may not grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// It is as long as one may be.
    #[error("the conversation is longer than {} MiB; start a new thread", MAX_CONVERSATION >> 20)]
    Conversation,
    /// Conversations with a turn in progress take all the room.
    #[error("the turns in progress take all the room for conversations")]
    Server,
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
    /// Returns no threads. Their ends are reported to these clients.
    #[must_use]
    pub fn new(peers: Arc<Peers>) -> Arc<Self> {
        Arc::new(Self {
            peers,
            loaded: Mutex::default(),
            running: Arc::default(),
            sweeper: Sweeper::default(),
        })
    }

    /// Adds a thread. Above the limits, the least recently used ones are unloaded.
    ///
    /// # Errors
    ///
    /// When turns are in progress in all others, and they take all the room.
    pub fn insert(&self, thread: Thread) -> Result<Arc<Thread>, NoRoom> {
        let thread = Arc::new(thread);
        self.loaded().insert(thread.id.clone(), Arc::clone(&thread));
        if let Err(no_room) = self.make_room(&thread, 0) {
            self.loaded().remove(&thread.id);
            return Err(no_room);
        }
        Ok(thread)
    }

    /// Makes room for so many more bytes in a thread: above the limits, the threads that were let
    /// go and then the least recently used ones are unloaded, except for those with a turn in
    /// progress.
    ///
    /// # Errors
    ///
    /// When there is no such room.
    pub fn make_room(&self, thread: &Thread, more: usize) -> Result<(), NoRoom> {
        let mut unloaded = Vec::new();
        let made = self.unload_others(thread, more, &mut unloaded);
        for thread in unloaded {
            self.tell_closed(&thread);
        }
        made
    }

    fn unload_others(
        &self,
        thread: &Thread,
        more: usize,
        unloaded: &mut Vec<Arc<Thread>>,
    ) -> Result<(), NoRoom> {
        if thread.bytes().saturating_add(more) > MAX_CONVERSATION {
            return Err(NoRoom::Conversation);
        }
        let mut loaded = self.loaded();
        let all = |thread: &Thread| thread.bytes().saturating_add(thread.reasoning_bytes());
        let mut bytes: usize = loaded.values().map(|thread| all(thread)).sum();
        bytes = bytes.saturating_add(more);
        if bytes > MAX_CONVERSATIONS {
            bytes = bytes.saturating_sub(spare_reasoning(&loaded, thread, bytes));
        }
        while bytes > MAX_CONVERSATIONS || loaded.len() > MAX_THREADS {
            let others = loaded.values().filter(|other| other.id != thread.id);
            let idle = others.filter_map(|other| {
                let is_subscribed = other.subscribers.unload_at().is_none();
                Some((is_subscribed, other.idle_since()?, &other.id))
            });
            let Some((_, _, oldest)) = idle.min() else {
                // What the thread itself takes is bounded already.
                let is_alone = loaded.keys().all(|id| *id == thread.id);
                return if is_alone {
                    Ok(())
                } else {
                    Err(NoRoom::Server)
                };
            };
            let oldest = oldest.clone();
            if let Some(forgotten) = loaded.remove(&oldest) {
                bytes = bytes.saturating_sub(all(&forgotten));
                unloaded.push(forgotten);
            }
            tracing::warn!("the thread that was unused for longest was unloaded to make room");
        }
        Ok(())
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

    /// Counts a turn as in progress. None at the limit.
    #[must_use]
    pub fn running_turn(&self) -> Option<RunningTurn> {
        let counted = self.running.send_if_modified(|running| {
            let is_free = *running < MAX_TURNS;
            *running += usize::from(is_free);
            is_free
        });
        counted.then(|| RunningTurn(Arc::clone(&self.running)))
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

/// Drops reasoning until all conversations fit: a conversation goes on without it, but not without
/// its text. That of threads with a turn in progress goes late, that of this thread last. Returns
/// how many bytes were dropped.
fn spare_reasoning(loaded: &BTreeMap<String, Arc<Thread>>, thread: &Thread, bytes: usize) -> usize {
    let mut threads: Vec<_> = loaded.values().collect();
    threads.sort_by_key(|it| (it.id == thread.id, it.idle_since().unwrap_or(i64::MAX)));
    let mut dropped = 0;
    for spared in threads {
        if bytes - dropped <= MAX_CONVERSATIONS {
            break;
        }
        dropped += spared.reasoning_bytes();
        spared.drop_reasoning();
    }
    dropped
}
