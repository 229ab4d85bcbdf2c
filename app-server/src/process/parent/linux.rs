//! Linux: a pidfd signals the end of the process.

use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, getppid, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::Unwatched;

/// More generations than any machine has.
const GENERATIONS: usize = 4096;

/// Completes when that process ends, which must be an ancestor of this one.
pub(super) fn end_of_ancestor(
    pid: u32,
) -> Result<impl Future<Output = ()> + Send + 'static, Unwatched> {
    let ancestor = process(pid).ok_or(Unwatched::NotAnAncestor)?;
    // Opened before the check: if the pid is reused in between, it is not an ancestor's.
    let end = end_of_process(pid).map_err(|_| Unwatched::NotAnAncestor)?;
    if ancestors().any(|pid| pid == ancestor) {
        return Ok(end);
    }
    Err(Unwatched::NotAnAncestor)
}

/// Completes when that process ends.
pub(super) fn end_of_process(
    pid: u32,
) -> Result<impl Future<Output = ()> + Send + 'static, Unwatched> {
    let process = process(pid).and_then(|pid| pidfd_open(pid, PidfdFlags::NONBLOCK).ok());
    let process = process.and_then(readiness).ok_or(Unwatched::Gone)?;
    Ok(async move {
        // After an error the end could no longer be detected, so this ends.
        drop(process.readable().await);
    })
}

fn process(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

#[expect(
    deprecated,
    reason = "the successor needs unsafe code; an OwnedFd keeps its promise"
)]
fn readiness(process: OwnedFd) -> Option<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(process, Interest::READABLE).ok()
}

/// Iterates over the parent, its parent, and so on.
fn ancestors() -> impl Iterator<Item = Pid> {
    std::iter::successors(getppid(), |pid| parent(*pid)).take(GENERATIONS)
}

fn parent(pid: Pid) -> Option<Pid> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    Pid::from_raw(parent_in(&stat)?)
}

/// The fourth field. The second is a name in parentheses, which may contain any character.
pub(super) fn parent_in(stat: &str) -> Option<i32> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    behind_name.split_ascii_whitespace().nth(1)?.parse().ok()
}
