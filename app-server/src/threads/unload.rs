//! Unloads threads: those that their last subscriber let go, and those that others need the room
//! of. The texts and the reasoning of an unloaded thread are wiped as its memory is freed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use byokey_protocol::methods::{
    ThreadClosedNotification, ThreadDeletedNotification, ThreadStatusChangedNotification,
};
use byokey_protocol::thread::{ThreadStatus, ThreadStatusChanged};
use byokey_protocol::thread_lifecycle::{ThreadGone, ThreadUnsubscribeStatus};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Thread, Threads};
use byokey_auth::PeerId;

/// When the threads that were let go are looked at again, if all of them have a turn in progress.
/// The end of a turn comes earlier.
const LOOK_AGAIN: Duration = Duration::from_secs(3600);

/// The one task that unloads threads. It runs while any thread is let go.
#[derive(Debug, Default)]
pub(super) struct Sweeper {
    is_running: Mutex<bool>,
    wake: Arc<Notify>,
}

impl Threads {
    /// Unsubscribes a connection from a thread. [`Threads::sweep`] unloads it after the delay, if
    /// this was the last subscriber.
    #[must_use]
    pub fn unsubscribe(&self, id: &str, peer: PeerId, delay: Duration) -> ThreadUnsubscribeStatus {
        match self.get(id) {
            None => ThreadUnsubscribeStatus::NotLoaded,
            Some(thread) if thread.subscribers.unsubscribe(peer, delay) => {
                ThreadUnsubscribeStatus::Unsubscribed
            }
            Some(_) => ThreadUnsubscribeStatus::NotSubscribed,
        }
    }

    /// Removes a connection that has ended from all threads.
    pub fn forget(&self, peer: PeerId) {
        for thread in self.loaded().values() {
            thread.subscribers.forget(peer);
        }
    }

    /// Unloads the threads that were let go, now and whenever one is due.
    pub fn sweep(self: &Arc<Self>) {
        let mut is_running = self.sweeper.lock();
        if *is_running {
            self.sweeper.wake.notify_one();
            return;
        }
        *is_running = true;
        let (threads, wake) = (Arc::downgrade(self), Arc::clone(&self.sweeper.wake));
        drop(tokio::spawn(async move {
            while let Some(next) = threads.upgrade().and_then(|threads| threads.unload_due()) {
                tokio::select! {
                    () = tokio::time::sleep_until(next) => {}
                    () = wake.notified() => {}
                }
            }
        }));
    }

    /// Unloads the threads that are due. Returns when to look again, or none if no thread is let
    /// go.
    fn unload_due(&self) -> Option<Instant> {
        let mut is_running = self.sweeper.lock();
        let now = Instant::now();
        let (mut due, mut next) = (Vec::new(), None);
        let mut loaded = self.loaded();
        for thread in loaded.values() {
            let Some(at) = thread.subscribers.unload_at() else {
                continue;
            };
            let at = match thread.idle_since() {
                Some(_) if at <= now => {
                    due.push(Arc::clone(thread));
                    continue;
                }
                Some(_) => at,
                None => now + LOOK_AGAIN,
            };
            next = Some(next.map_or(at, |next: Instant| next.min(at)));
        }
        for thread in &due {
            drop(loaded.remove(&thread.id));
        }
        drop(loaded);
        *is_running = next.is_some();
        drop(is_running);
        for thread in due {
            self.tell_closed(&thread);
        }
        next
    }

    /// Removes a thread, and interrupts its turn. The future ends when the turn has been reported;
    /// from then on all clients know that the thread is not loaded.
    pub fn delete(self: &Arc<Self>, thread: &Thread) -> impl Future<Output = Deletion> + use<> {
        drop(self.loaded().remove(&thread.id));
        let turn_ended = thread.stop();
        let deletion = Deletion {
            threads: Arc::clone(self),
            id: thread.id.clone(),
        };
        async move {
            turn_ended.await;
            deletion.threads.tell_not_loaded(&deletion.id);
            deletion
        }
    }

    pub(super) fn tell_closed(&self, thread: &Thread) {
        self.tell_not_loaded(&thread.id);
        let thread_id = thread.id.clone();
        self.peers
            .notify::<ThreadClosedNotification>(&ThreadGone { thread_id });
    }

    fn tell_not_loaded(&self, id: &str) {
        self.peers
            .notify::<ThreadStatusChangedNotification>(&ThreadStatusChanged {
                thread_id: id.to_owned(),
                status: ThreadStatus::NotLoaded.into(),
            });
    }
}

impl Sweeper {
    fn lock(&self) -> std::sync::MutexGuard<'_, bool> {
        self.is_running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A deleted thread. All clients are notified of it on drop: behind the answer, or at once if the
/// request was cancelled meanwhile.
#[derive(Debug)]
pub struct Deletion {
    threads: Arc<Threads>,
    id: String,
}

impl Drop for Deletion {
    fn drop(&mut self) {
        let thread_id = std::mem::take(&mut self.id);
        self.threads
            .peers
            .notify::<ThreadDeletedNotification>(&ThreadGone { thread_id });
    }
}
