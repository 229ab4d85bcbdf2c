//! One entry of the keyring, whose operations may be slow.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::StoreFailure;
use byokey_base::memory::wiped_after;

/// An entry, by its name.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    name: Name,
    deadline: Duration,
    /// Serialises the steps, including abandoned ones.
    turn: Arc<Mutex<()>>,
}

/// The key of an entry.
#[derive(Clone, Debug)]
#[cfg_attr(
    not(all(
        any(target_os = "linux", target_os = "macos", windows),
        feature = "keyring"
    )),
    expect(dead_code, reason = "there is no keyring")
)]
pub(super) struct Name {
    /// The program, which the keyring shows to its owner.
    pub(super) service: &'static str,
    /// Distinguishes the entries of a program.
    pub(super) user: Arc<str>,
}

/// Whether the caller still waits for a step.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting(Arc<AtomicBool>);

impl Entry {
    /// Returns an entry with this deadline for its steps.
    pub(super) fn new(service: &'static str, user: &str, deadline: Duration) -> Self {
        let user = user.into();
        Self {
            name: Name { service, user },
            deadline,
            turn: Arc::default(),
        }
    }

    /// Runs an operation on the entry in a thread of its own. After the deadline the caller is
    /// gone, and the operation should change nothing.
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
            // Data for the keyring is encrypted block by block on the stack.
            wiped_after(|| work(&name, &waiting))
        });
        match tokio::time::timeout(self.deadline, step).await {
            Ok(Ok(done)) => done,
            // The step panicked, or the program ends.
            Ok(Err(_)) => Err(StoreFailure::KeyringFailed {
                problem: "its library broke off".into(),
            }),
            Err(_) => {
                given_up.0.store(true, Ordering::Relaxed);
                Err(StoreFailure::SilentKeyring)
            }
        }
    }
}

impl Waiting {
    /// Continues only if the caller still waits.
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
    use crate::StoreFailure;

    #[tokio::test]
    async fn an_abandoned_step_changes_nothing() {
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
