//! `--trace-protocol`: the traffic with every peer, for debugging an integration.
//!
//! Secrets are redacted before a line is written; the placeholder is equal for equal secrets of one
//! process only. The trace never blocks the server: a thread writes it, and lines over the limit of
//! its queue are counted and dropped.

mod looks;
mod redact;
mod writer;

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) use looks::looks_secret;
pub use looks::starts_like_secret;
#[cfg(test)]
pub(crate) use looks::tests::{shared, shared_tokens};
use redact::{Names, redacted};
use writer::Writer;

use byokey_base::owner_only;
pub use byokey_base::owner_only::FileFailure;
use byokey_rpc::Observer;

/// Timeout for writing the last lines at the end of the process.
const LAST_LINES: Duration = Duration::from_millis(500);

/// A trace of the traffic. Clones share the output.
#[derive(Clone, Debug)]
pub struct ProtocolTrace {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    writer: Writer,
    begun: Instant,
    names: Names,
}

/// The trace of one peer.
#[derive(Clone, Debug)]
pub struct PeerTrace {
    trace: ProtocolTrace,
    peer: u64,
}

/// Opens the output of a trace: a file, for appending, or standard error for `-`.
///
/// # Errors
///
/// When the file cannot be opened. It must be a regular file of this user, under a name that is not
/// a link; even a redacted trace is private.
pub fn open(place: &OsStr) -> Result<Box<dyn Write + Send>, FileFailure> {
    if place == "-" {
        return Ok(Box::new(io::stderr()));
    }
    Ok(Box::new(owner_only::open_append(Path::new(place))?))
}

impl ProtocolTrace {
    /// Returns a trace that writes there.
    ///
    /// # Errors
    ///
    /// When no thread can be spawned.
    pub fn to(place: impl Write + Send + 'static) -> io::Result<Self> {
        Ok(Self {
            shared: Arc::new(Shared {
                writer: Writer::start(place)?,
                begun: Instant::now(),
                names: Names::default(),
            }),
        })
    }

    /// Returns the trace of one peer.
    #[must_use]
    pub fn of_peer(&self, peer: u64) -> PeerTrace {
        let trace = self.clone();
        PeerTrace { trace, peer }
    }

    /// Waits briefly for the last lines to be written.
    pub fn finish(&self) {
        self.shared.writer.finish(LAST_LINES);
    }
}

impl Observer for PeerTrace {
    fn received(&self, message: &[u8]) {
        self.write("-->", message);
    }

    fn sent(&self, message: &[u8]) {
        self.write("<--", message);
    }

    fn skipped(&self) {
        self.line("-->", "‹skipped: too long, or in a broken frame›");
    }
}

impl PeerTrace {
    fn write(&self, arrow: &str, message: &[u8]) {
        let redacted = std::str::from_utf8(message)
            .ok()
            .and_then(|text| redacted(text.trim_start_matches('\u{feff}'), &self.shared().names));
        match redacted {
            Some(redacted) => self.line(arrow, &redacted),
            None if message.trim_ascii().is_empty() => {}
            None => self.line(
                arrow,
                &format!("‹unreadable line, {} bytes›", message.len()),
            ),
        }
    }

    fn line(&self, arrow: &str, what: &str) {
        let Self { peer, .. } = self;
        let time = self.shared().begun.elapsed().as_secs_f64();
        let line = format!("{time:.6} peer {peer} {arrow} {what}\n");
        self.shared().writer.write(line);
    }

    fn shared(&self) -> &Shared {
        &self.trace.shared
    }
}

#[cfg(test)]
mod tests;
