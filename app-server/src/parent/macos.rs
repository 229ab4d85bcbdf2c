//! The kernel tells by an event, to a thread that sleeps until then.

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
