//! The process that started us, watched so that we do not outlive it.
//!
//! The end of input tells the same, unless somebody else holds the other end of the pipe open. On
//! Linux and macOS the kernel tells when the process ends; nothing is polled. Elsewhere nothing is
//! watched, and a line on standard error says so. On macOS this was compiled and never run.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// The ancestors that are watched.
#[derive(Debug, Default)]
pub struct ParentWatch {
    watched: Mutex<HashSet<u32>>,
    gone: Arc<watch::Sender<bool>>,
}

impl ParentWatch {
    /// Watches a process from now on, within a runtime. One that is no ancestor of ours is
    /// ignored: it may have another number here than where its number comes from.
    pub fn watch(&self, pid: u32) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if !watched.insert(pid) {
            return;
        }
        match platform::end_of_ancestor(pid) {
            Ok(end) => {
                let gone = Arc::clone(&self.gone);
                tokio::spawn(async move {
                    end.await;
                    gone.send_replace(true);
                });
            }
            Err(unwatched) => tracing::warn!("{unwatched}; not watching it"),
        }
    }

    /// Waits until a watched process has ended.
    pub async fn gone(&self) {
        // The sender lives as long as `self`.
        drop(self.gone.subscribe().wait_for(|gone| *gone).await);
    }
}

/// Why a process is not watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Unwatched {
    #[cfg_attr(
        not(any(target_os = "linux", target_os = "macos")),
        expect(dead_code, reason = "nothing is watched")
    )]
    #[error("the process to watch is no ancestor of this one")]
    NotAnAncestor,
    #[cfg_attr(
        any(target_os = "linux", target_os = "macos"),
        expect(dead_code, reason = "this system is supported")
    )]
    #[error("watching a process is not supported on this platform")]
    Unsupported,
}

#[cfg(target_os = "linux")]
mod platform {
    use std::os::fd::OwnedFd;

    use rustix::process::{Pid, PidfdFlags, getppid, pidfd_open};
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    use super::Unwatched;

    /// More generations than any machine has.
    const GENERATIONS: usize = 4096;

    /// Ends when that process does, which must be an ancestor of this one.
    pub(super) fn end_of_ancestor(
        pid: u32,
    ) -> Result<impl Future<Output = ()> + Send + 'static, Unwatched> {
        let ancestor = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let ancestor = ancestor.ok_or(Unwatched::NotAnAncestor)?;
        // Opened before the check: a number that is given to another process in between is not
        // an ancestor's.
        let process = pidfd_open(ancestor, PidfdFlags::NONBLOCK)
            .ok()
            .and_then(readiness)
            .filter(|_| ancestors().any(|pid| pid == ancestor))
            .ok_or(Unwatched::NotAnAncestor)?;
        Ok(async move {
            // An error would mean that nothing can be told any more: better to end.
            drop(process.readable().await);
        })
    }

    #[expect(
        deprecated,
        reason = "the successor needs unsafe code; an OwnedFd keeps its promise"
    )]
    fn readiness(process: OwnedFd) -> Option<AsyncFd<OwnedFd>> {
        AsyncFd::with_interest(process, Interest::READABLE).ok()
    }

    /// The parent, its parent, and so on.
    fn ancestors() -> impl Iterator<Item = Pid> {
        std::iter::successors(getppid(), |pid| parent(*pid)).take(GENERATIONS)
    }

    fn parent(pid: Pid) -> Option<Pid> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
        Pid::from_raw(parent_in(&stat)?)
    }

    /// The fourth field. The second is a name in parentheses, which may hold anything.
    pub(super) fn parent_in(stat: &str) -> Option<i32> {
        let (_, behind_name) = stat.rsplit_once(')')?;
        behind_name.split_ascii_whitespace().nth(1)?.parse().ok()
    }
}

#[cfg(target_os = "macos")]
mod platform {
    use kqueue::{EventFilter, FilterFlag, Watcher};
    use tokio::sync::oneshot;

    use super::Unwatched;

    /// Ends when that process does, which must have started this one: macOS does not tell an
    /// unprivileged process who started its parent.
    pub(super) fn end_of_ancestor(
        pid: u32,
    ) -> Result<impl Future<Output = ()> + Send + 'static, Unwatched> {
        // Watched before the check: a number that is given to another process in between is not
        // the parent's.
        let watcher = exit_of(pid)
            .filter(|_| std::os::unix::process::parent_id() == pid)
            .ok_or(Unwatched::NotAnAncestor)?;
        let (ended, end) = oneshot::channel();
        // It sleeps in the kernel until then. A failure would mean that nothing can be told any
        // more: better to end.
        std::thread::spawn(move || {
            drop(watcher.poll_forever(None));
            let _ = ended.send(());
        });
        Ok(async move { drop(end.await) })
    }

    fn exit_of(pid: u32) -> Option<Watcher> {
        let pid = i32::try_from(pid).ok()?;
        let mut watcher = Watcher::new().ok()?;
        watcher
            .add_pid(pid, EventFilter::EVFILT_PROC, FilterFlag::NOTE_EXIT)
            .ok()?;
        watcher.watch().ok()?;
        Some(watcher)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
mod platform {
    use super::Unwatched;

    /// Nothing is watched here.
    pub(super) fn end_of_ancestor(_: u32) -> Result<std::future::Pending<()>, Unwatched> {
        Err(Unwatched::Unsupported)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::platform::{end_of_ancestor, parent_in};
    use super::{ParentWatch, Unwatched};

    #[test]
    fn the_parent_is_found_behind_any_name() {
        assert_eq!(parent_in("12 (a) S 3 4 5"), Some(3));
        assert_eq!(parent_in("12 (a) S 9 b) R) S 7 4"), Some(7));
        assert_eq!(parent_in("12 (a"), None);
    }

    #[tokio::test]
    async fn only_ancestors_are_watched() {
        let own = std::process::id();
        for pid in [0, own, u32::MAX, i32::MAX as u32] {
            assert_eq!(
                end_of_ancestor(pid).err(),
                Some(Unwatched::NotAnAncestor),
                "{pid}"
            );
        }
        assert!(end_of_ancestor(std::os::unix::process::parent_id()).is_ok());
    }

    #[tokio::test]
    async fn a_living_parent_is_not_gone() {
        let watch = ParentWatch::default();
        watch.watch(std::os::unix::process::parent_id());
        tokio::select! {
            biased;
            () = watch.gone() => panic!("nobody ended"),
            () = tokio::task::yield_now() => {}
        }
    }
}
