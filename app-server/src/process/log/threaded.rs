//! Standard error without readiness notification: a thread writes to it.

use std::io::{self, Write as _};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

/// How long to wait for a line, so that it precedes later output.
const PATIENCE: Duration = Duration::from_millis(20);

/// The channels to the thread and back.
struct Writer {
    lines: SyncSender<Vec<u8>>,
    done: Receiver<()>,
    is_busy: bool,
}

/// Writes a line, or drops it while an earlier one blocks.
pub(super) fn write_if_ready(line: &[u8]) {
    static WRITER: OnceLock<Option<Mutex<Writer>>> = OnceLock::new();
    let writer = WRITER.get_or_init(|| Writer::start().ok().map(Mutex::new));
    if let Some(Ok(mut writer)) = writer.as_ref().map(Mutex::lock) {
        writer.write(line);
    }
}

impl Writer {
    fn start() -> io::Result<Self> {
        let (lines, to_write) = sync_channel::<Vec<u8>>(1);
        let (wrote, done) = sync_channel(1);
        // Not joined: it may block on a reader for ever, and ends with the process.
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || {
                for line in to_write {
                    // A closed standard error is not a failure.
                    drop(io::stderr().write_all(&line));
                    if wrote.send(()).is_err() {
                        return;
                    }
                }
            })?;
        Ok(Self {
            lines,
            done,
            is_busy: false,
        })
    }

    fn write(&mut self, line: &[u8]) {
        if self.is_busy && self.done.try_recv().is_err() {
            return;
        }
        let sent = self.lines.try_send(line.to_vec());
        self.is_busy = sent.is_ok() && self.done.recv_timeout(PATIENCE).is_err();
    }
}
