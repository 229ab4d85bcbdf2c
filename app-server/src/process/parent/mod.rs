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

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// The watched ancestors.
#[derive(Debug, Default)]
pub struct ParentWatch {
    watched: Mutex<Watched>,
    gone: Arc<watch::Sender<bool>>,
}

#[derive(Debug, Default)]
struct Watched {
    /// Those that live, each watched once, however many connections name it.
    ancestors: HashMap<u32, watch::Receiver<bool>>,
    /// The last pid that was ignored, which is reported once. The others are not recorded: a peer may
    /// name any number.
    ignored: Option<u32>,
}

impl ParentWatch {
    /// Ends the program with this process from now on, within a runtime. A pid that is not an
    /// ancestor's is ignored: it may come from another pid namespace.
    pub fn watch(&self, pid: u32) {
        if let Some(end) = self.end_of(pid) {
            let gone = Arc::clone(&self.gone);
            tokio::spawn(async move {
                end.await;
                gone.send_replace(true);
            });
        }
    }

    /// Returns a future that ends with this process; none, with a warning in the log, for a pid
    /// that is not an ancestor's.
    pub fn end_of(&self, pid: u32) -> Option<impl Future<Output = ()> + Send + 'static> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.ancestors.retain(|_, ended| !*ended.borrow());
        let mut ended = match watched.ancestors.get(&pid) {
            Some(ended) => ended.clone(),
            None => match platform::end_of_ancestor(pid) {
                Ok(end) => {
                    let ended = watch_end(end);
                    watched.ancestors.insert(pid, ended.clone());
                    ended
                }
                Err(unwatched) => {
                    if watched.ignored.replace(pid) != Some(pid) {
                        tracing::warn!("{unwatched}; not watching it");
                    }
                    return None;
                }
            },
        };
        Some(async move { drop(ended.wait_for(|ended| *ended).await) })
    }

    /// Waits until a process has ended that the program ends with.
    pub async fn gone(&self) {
        // `self` owns the sender.
        drop(self.gone.subscribe().wait_for(|gone| *gone).await);
    }
}

fn watch_end(end: impl Future<Output = ()> + Send + 'static) -> watch::Receiver<bool> {
    let (ended, is_over) = watch::channel(false);
    tokio::spawn(async move {
        end.await;
        ended.send_replace(true);
    });
    is_over
}

/// Returns a future that ends with that process, which need not be an ancestor. The caller sees to it
/// that the pid is not that of a later process: by being waited for.
///
/// # Errors
///
/// When there is no such process, or the system does not report its end.
#[cfg(any(target_os = "linux", target_os = "macos"))]
pub fn end_of_process(
    pid: u32,
) -> Result<impl Future<Output = ()> + Send + 'static, impl std::error::Error> {
    platform::end_of_process(pid)
}

/// The same where there is no use for it: nothing is watched.
///
/// # Errors
///
/// Always.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub const fn end_of_process(_: u32) -> Result<std::future::Pending<()>, impl std::error::Error> {
    Err::<_, Unwatched>(Unwatched::Unsupported)
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
        not(any(target_os = "linux", target_os = "macos")),
        expect(dead_code, reason = "only ancestors are watched")
    )]
    #[error("the process to watch has ended")]
    Gone,
    #[cfg_attr(
        any(target_os = "linux", target_os = "macos"),
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
    async fn any_process_that_lives_is_watched_on_request() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn();
        let child = child.as_mut().unwrap();
        let mut end = Box::pin(super::end_of_process(child.id()).unwrap());
        tokio::select! {
            biased;
            () = &mut end => panic!("it lives"),
            () = tokio::task::yield_now() => {}
        }
        child.kill().unwrap();
        child.wait().unwrap();
        end.await;
        assert!(super::end_of_process(child.id()).is_err(), "it is gone");
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
