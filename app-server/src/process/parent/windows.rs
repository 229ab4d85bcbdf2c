//! Windows: a thread waits for the handle of the process.

use std::collections::HashMap;
use std::sync::mpsc;

use tokio::sync::oneshot;
use winsafe::{HPROCESS, HPROCESSLIST, SysResult, co, guard::CloseHandleGuard};

use super::Unwatched;

/// More generations than any machine has.
const GENERATIONS: usize = 4096;

/// Completes when that process ends, which must be an ancestor of this one.
pub(super) fn end_of_ancestor(
    pid: u32,
) -> Result<impl Future<Output = ()> + Send + 'static, Unwatched> {
    let (opened, is_open) = mpsc::sync_channel(1);
    let (ended, end) = oneshot::channel::<()>();
    // The handle stays in its thread, which ends with this process at the latest.
    let started = std::thread::Builder::new()
        .name("parent".to_owned())
        .spawn(move || {
            let ancestor = ancestor(pid);
            let _ = opened.send(ancestor.is_some());
            if let Some(ancestor) = ancestor {
                // After a failure the end could no longer be detected, so this ends.
                let _ = ancestor.WaitForSingleObject(None);
                let _ = ended.send(());
            }
        });
    if started.is_ok() && is_open.recv().unwrap_or(false) {
        Ok(async move { drop(end.await) })
    } else {
        Err(Unwatched::NotAnAncestor)
    }
}

/// Returns the process with that pid, if it is an ancestor.
fn ancestor(pid: u32) -> Option<CloseHandleGuard<HPROCESS>> {
    // Opened before the check: while the handle is open, the pid is not reused.
    let ancestor = open(pid, co::PROCESS::SYNCHRONIZE).ok()?;
    let parents = parents().ok()?;
    let mut child = (std::process::id(), begun(&HPROCESS::GetCurrentProcess())?);
    for _ in 0..GENERATIONS {
        let parent = *parents.get(&child.0)?;
        let since = begun(&*open(parent, co::PROCESS::default()).ok()?)?;
        // The pid of an ended parent may have been reused by a younger process.
        if since > child.1 {
            return None;
        }
        if parent == pid {
            return Some(ancestor);
        }
        child = (parent, since);
    }
    None
}

fn open(pid: u32, also: co::PROCESS) -> SysResult<CloseHandleGuard<HPROCESS>> {
    HPROCESS::OpenProcess(co::PROCESS::QUERY_LIMITED_INFORMATION | also, false, pid)
}

/// Returns the parent of every process.
fn parents() -> SysResult<HashMap<u32, u32>> {
    let mut all = HPROCESSLIST::CreateToolhelp32Snapshot(co::TH32CS::SNAPPROCESS, None)?;
    let pairs = all
        .iter_processes()
        .map(|process| process.map(|it| (it.th32ProcessID, it.th32ParentProcessID)));
    pairs.collect()
}

/// Returns the creation time of a process.
fn begun(process: &HPROCESS) -> Option<u64> {
    let (begun, ..) = process.GetProcessTimes().ok()?;
    Some(u64::from(begun.dwHighDateTime) << 32 | u64::from(begun.dwLowDateTime))
}
