//! Standard error with readiness notification.

use std::io;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Writes a line, or drops it if that would block.
pub(super) fn write_if_ready(line: &[u8]) {
    let stderr = io::stderr();
    let mut ready = [PollFd::new(&stderr, PollFlags::OUT)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let takes = poll(&mut ready, Some(&now)).is_ok_and(|count| count == 1)
        && ready.iter().all(|fd| fd.revents() == PollFlags::OUT);
    if takes {
        // A pipe that is ready takes 4096 bytes without blocking (POSIX `PIPE_BUF`).
        let line = line.get(..4096).unwrap_or(line);
        let _ = rustix::io::write(&stderr, line);
    }
}
