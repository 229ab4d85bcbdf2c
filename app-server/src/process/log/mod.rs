//! The log: standard error, `warn` unless `RUST_LOG` says otherwise, JSON with `LOG_FORMAT=json`.
//!
//! Only this program's own events are written, whatever the filter: libraries log the data that
//! passes through them. Writing never blocks: a line that does not fit into the pipe is dropped.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(not(unix), path = "threaded.rs")]
mod stderr;

use std::io;
use std::sync::OnceLock;

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

use crate::config::Environment;

/// The prefix of our crates' targets, including the binary's.
const OWN_TARGET: &str = "byokey";

/// Starts logging.
pub fn start(environment: &Environment) {
    let level = environment.get("RUST_LOG").map_or(Level::WARN, level);
    let json = environment
        .get("LOG_FORMAT")
        .is_some_and(|format| format.trim().eq_ignore_ascii_case("json"));
    let log = Log {
        level,
        json,
        writer: OnceLock::new(),
    };
    // A second start in one process, as in tests, is ignored.
    drop(tracing::subscriber::set_global_default(log));
}

/// This program's events. Most runs have none, and the formatter takes more memory than the rest of
/// the startup, so it is created for the first one.
struct Log {
    level: Level,
    json: bool,
    writer: OnceLock<Dispatch>,
}

impl Log {
    fn writer(&self) -> Dispatch {
        let writer = tracing_subscriber::fmt()
            .with_writer(|| Stderr)
            .with_ansi(false)
            .with_max_level(self.level);
        // A server for many clients is what logs are collected of; the small program has no room.
        if cfg!(feature = "listen") && self.json {
            Dispatch::new(writer.json().finish())
        } else {
            Dispatch::new(writer.finish())
        }
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let is_own = metadata.target().starts_with(OWN_TARGET);
        metadata.is_event() && is_own && *metadata.level() <= self.level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level.into())
    }

    fn event(&self, event: &Event<'_>) {
        self.writer.get_or_init(|| self.writer()).event(event);
    }

    // Spans are never enabled, so none has an id.

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Returns the level for this program in a filter like `info` or `warn,byokey=debug`.
fn level(filter: &str) -> Level {
    let directives = filter.split(',').map(str::trim);
    let mut own = directives
        .rev()
        .filter_map(|directive| match directive.split_once('=') {
            None => directive.parse().ok(),
            Some((target, level)) if target.starts_with("byokey") => level.parse().ok(),
            Some(_) => None,
        });
    own.next().unwrap_or(Level::WARN)
}

/// Standard error, if it is ready for writing.
struct Stderr;

impl io::Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        stderr::write_if_ready(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes panics log only their location: their message may contain a secret.
pub fn hide_panic_payloads() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map_or_else(String::new, ToString::to_string);
        tracing::error!(place, "a bug in this program made a task end early");
    }));
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::panic;
    use std::sync::{Arc, Mutex};

    use tracing::Level;

    use super::{hide_panic_payloads, level};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_logs_its_location_and_not_its_message() {
        let lines = Lines::default();
        let written = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || written.clone())
            .finish();
        let before = panic::take_hook();
        hide_panic_payloads();
        let ended = tracing::subscriber::with_default(subscriber, || {
            panic::catch_unwind(|| panic!("made-up-{}", "secret"))
        });
        panic::set_hook(before);
        assert!(ended.is_err());
        let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert!(log.contains("mod.rs:"), "{log}");
        assert!(!log.contains("made-up"), "{log}");
    }

    #[test]
    fn the_filter_is_read_for_this_program_only() {
        assert_eq!(level("trace"), Level::TRACE);
        assert_eq!(level("warn,byokey=debug"), Level::DEBUG);
        assert_eq!(level("hyper=trace"), Level::WARN);
        assert_eq!(level("nonsense"), Level::WARN);
    }
}
