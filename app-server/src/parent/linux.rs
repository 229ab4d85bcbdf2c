//! The kernel tells by a descriptor of the process.

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
