//! Watches the process that started this one, to end with it.
//!
//! End of input signals the same, unless another process holds the other end of the pipe open. On
//! Linux, macOS and Windows the system signals the end of the process; nothing is polled. Other
//! systems are not supported, which is reported on standard error. The code for macOS was compiled
//! and never run; the code for Windows was run under Wine.

#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(target_os = "macos", path = "macos.rs")]
#[cfg_attr(windows, path = "windows.rs")]
#[cfg_attr(
    not(any(target_os = "linux", target_os = "macos", windows)),
    path = "unsupported.rs"
)]
mod platform;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// The watched ancestors.
#[derive(Debug, Default)]
pub struct ParentWatch {
    watched: Mutex<HashSet<u32>>,
    gone: Arc<watch::Sender<bool>>,
}

impl ParentWatch {
    /// Watches a process from now on, within a runtime. A pid that is not an ancestor's is ignored:
    /// it may come from another pid namespace.
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
        // `self` owns the sender.
        drop(self.gone.subscribe().wait_for(|gone| *gone).await);
    }
}

/// Why a process is not watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Unwatched {
    #[cfg_attr(
        not(any(target_os = "linux", target_os = "macos", windows)),
        expect(dead_code, reason = "nothing is watched")
    )]
    #[error("the process to watch is not an ancestor of this one")]
    NotAnAncestor,
    #[cfg_attr(
        any(target_os = "linux", target_os = "macos", windows),
        expect(dead_code, reason = "this system is supported")
    )]
    #[error("watching a process is not supported on this platform")]
    Unsupported,
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
