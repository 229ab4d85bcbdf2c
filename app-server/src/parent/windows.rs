//! A thread that sleeps until the handle of the process tells.

use std::collections::HashMap;
use std::sync::mpsc;

use tokio::sync::oneshot;
use winsafe::{HPROCESS, HPROCESSLIST, SysResult, co, guard::CloseHandleGuard};

use super::Unwatched;

/// More generations than any machine has.
const GENERATIONS: usize = 4096;

/// Ends when that process does, which must be an ancestor of this one.
pub(super) fn end_of_ancestor(
    pid: u32,
) -> Result<impl Future<Output = ()> + Send + 'static, Unwatched> {
    let (opened, is_open) = mpsc::sync_channel(1);
    let (ended, end) = oneshot::channel::<()>();
    // A handle stays in its thread, which ends with this process at the latest.
    let started = std::thread::Builder::new()
        .name("parent".to_owned())
        .spawn(move || {
            let ancestor = ancestor(pid);
            let _ = opened.send(ancestor.is_some());
            if let Some(ancestor) = ancestor {
                // A failure would mean that nothing can be told any more: better to end.
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

/// The process of that number, if it is an ancestor.
fn ancestor(pid: u32) -> Option<CloseHandleGuard<HPROCESS>> {
    // Opened before the check: as long as it is open, its number is given to no other process.
    let ancestor = open(pid, co::PROCESS::SYNCHRONIZE).ok()?;
    let parents = parents().ok()?;
    let mut child = (std::process::id(), begun(&HPROCESS::GetCurrentProcess())?);
    for _ in 0..GENERATIONS {
        let parent = *parents.get(&child.0)?;
        let since = begun(&*open(parent, co::PROCESS::default()).ok()?)?;
        // The number of a parent that is gone may be a younger process's by now.
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

/// Every process and the one that started it.
fn parents() -> SysResult<HashMap<u32, u32>> {
    let mut all = HPROCESSLIST::CreateToolhelp32Snapshot(co::TH32CS::SNAPPROCESS, None)?;
    let pairs = all
        .iter_processes()
        .map(|process| process.map(|it| (it.th32ProcessID, it.th32ParentProcessID)));
    pairs.collect()
}

/// When a process began.
fn begun(process: &HPROCESS) -> Option<u64> {
    let (begun, ..) = process.GetProcessTimes().ok()?;
    Some(u64::from(begun.dwHighDateTime) << 32 | u64::from(begun.dwLowDateTime))
}
