//! One entry of the keyring, which may take its time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use byokey_auth::StoreFailure;
use byokey_base::memory::wiped_after;

/// An entry, by its name.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    name: Name,
    deadline: Duration,
    /// Steps do not overtake one another, not even those that nobody waits for any more.
    turn: Arc<Mutex<()>>,
}

/// What an entry is found by.
#[derive(Clone, Debug)]
#[cfg_attr(
    not(all(
        any(target_os = "linux", target_os = "macos", windows),
        feature = "keyring"
    )),
    expect(dead_code, reason = "there is no keyring to look into")
)]
pub(super) struct Name {
    /// The program, which the keyring shows to its owner.
    pub(super) service: &'static str,
    /// Tells the entries of a program apart.
    pub(super) user: Arc<str>,
}

/// Tells whether somebody still waits for a step.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting(Arc<AtomicBool>);

impl Entry {
    /// An entry whose steps may take so long.
    pub(super) fn new(service: &'static str, user: &str, deadline: Duration) -> Self {
        let user = user.into();
        Self {
            name: Name { service, user },
            deadline,
            turn: Arc::default(),
        }
    }

    /// Does something with the entry, on a thread of its own. When it takes too long, nobody
    /// waits for it any more, and it should change nothing then.
    pub(super) async fn step<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Name, &Waiting) -> Result<T, StoreFailure> + Send + 'static,
    ) -> Result<T, StoreFailure> {
        let (name, turn) = (self.name.clone(), Arc::clone(&self.turn));
        let waiting = Waiting::default();
        let given_up = waiting.clone();
        let step = tokio::task::spawn_blocking(move || {
            let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.check()?;
            // What travels to the keyring is encrypted, block by block on the stack.
            wiped_after(|| work(&name, &waiting))
        });
        match tokio::time::timeout(self.deadline, step).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(StoreFailure::NoKeyring),
            Err(_) => {
                given_up.0.store(true, Ordering::Relaxed);
                Err(StoreFailure::SilentKeyring)
            }
        }
    }
}

impl Waiting {
    /// Goes on only if somebody still waits.
    pub(super) fn check(&self) -> Result<(), StoreFailure> {
        if self.0.load(Ordering::Relaxed) {
            return Err(StoreFailure::SilentKeyring);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::Entry;
    use byokey_auth::StoreFailure;

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_changes_nothing() {
        let entry = Entry::new("byokey-test", "made-up", Duration::from_millis(20));
        let (unlock, locked) = mpsc::channel::<()>();
        let (changed, changes) = mpsc::channel();
        let late = changed.clone();
        let silent = entry.step(move |_, waiting| {
            let _ = locked.recv();
            waiting.check()?;
            late.send("late").map_err(|_| StoreFailure::NoKeyring)
        });
        assert_eq!(silent.await, Err(StoreFailure::SilentKeyring));
        let behind = changed.clone();
        let behind =
            entry.step(move |_, _| behind.send("behind").map_err(|_| StoreFailure::NoKeyring));
        assert_eq!(behind.await, Err(StoreFailure::SilentKeyring));
        drop(unlock);
        let patient = Entry {
            deadline: Duration::from_secs(20),
            ..entry
        };
        let last =
            patient.step(move |_, _| changed.send("last").map_err(|_| StoreFailure::NoKeyring));
        assert_eq!(last.await, Ok(()));
        assert_eq!(changes.iter().collect::<Vec<_>>(), ["last"]);
    }
}
