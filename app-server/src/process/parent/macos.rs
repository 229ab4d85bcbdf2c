//! macOS: a kernel event wakes a thread.

use kqueue::{EventFilter, FilterFlag, Watcher};
use tokio::sync::oneshot;

use super::Unwatched;

/// Completes when that process ends, which must be the parent of this one: macOS does not show
/// further ancestors to unprivileged processes.
pub(super) fn end_of_ancestor(
    pid: u32,
) -> Result<impl Future<Output = ()> + Send + 'static, Unwatched> {
    // Watched before the check: if the pid is reused in between, it is not the parent's.
    let end = end_of_process(pid).map_err(|_| Unwatched::NotAnAncestor)?;
    if std::os::unix::process::parent_id() == pid {
        return Ok(end);
    }
    Err(Unwatched::NotAnAncestor)
}

/// Completes when that process ends.
pub(super) fn end_of_process(
    pid: u32,
) -> Result<impl Future<Output = ()> + Send + 'static, Unwatched> {
    let watcher = exit_of(pid).ok_or(Unwatched::Gone)?;
    let (ended, end) = oneshot::channel();
    // Blocks in the kernel until the event. After a failure the end could no longer be detected, so
    // this ends.
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
