//! A process group for the command and what it starts.

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;

/// Starts the command as the leader of a group of its own.
pub(super) fn separate(command: &mut Command) {
    command.process_group(0);
}

/// Kills all processes of the group of this leader, which was not waited for.
pub(super) fn kill(leader: u32) {
    if let Some(leader) = i32::try_from(leader).ok().and_then(Pid::from_raw) {
        // It may have ended.
        let _ = kill_process_group(leader, Signal::KILL);
    }
}

/// Returns the signal that ended a process.
pub(super) fn signal(status: std::process::ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}
