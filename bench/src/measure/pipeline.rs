//! Pipelining: all requests at once.

use std::io::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use super::round_trip::id_of;
use super::{Figures, Scale};
use crate::Failure;
use crate::candidate::Candidate;
use crate::host::{Host, READ};
use crate::site::Site;

/// Requests written without waiting for a response.
const REQUESTS: usize = 300_000;
/// After this silence, unanswered requests count as lost.
const SILENCE: Duration = Duration::from_secs(5);

pub(super) fn throughput(candidate: &Candidate, scale: Scale) -> Result<Figures, Failure> {
    let site = Site::new()?;
    let mut host = Host::start(candidate, &site)?;
    let count = scale.of(REQUESTS, candidate);
    let flood = flood(&mut host, count, count)?;
    let seconds = flood.seconds;
    Ok(vec![
        ("pipelined", number(flood.results) / seconds),
        ("pipelined-bytes", number(flood.bytes) / seconds),
        ("pipelined-lost", number(count - flood.answered)),
    ])
}

/// The outcome of many requests.
pub(crate) struct Flood {
    /// Time until the last response, in seconds.
    pub(crate) seconds: f64,
    answered: usize,
    results: usize,
    bytes: usize,
}

/// Sends `count` requests, with at most `window` unanswered at any time.
pub(crate) fn flood(host: &mut Host, count: usize, window: usize) -> Result<Flood, Failure> {
    let mut batches = Vec::new();
    let (mut ids, mut sent) = (0_u64, 0);
    while sent < count {
        let mut batch = Vec::new();
        for _ in 0..window.min(count - sent) {
            let id = host.id();
            ids += id;
            sent += 1;
            writeln!(batch, "{{\"id\":{id},{READ}}}")?;
        }
        batches.push(batch);
    }
    let mut flood = Flood {
        seconds: 0.0,
        answered: 0,
        results: 0,
        bytes: batches.iter().map(Vec::len).sum(),
    };
    let mut input = host.process.take_input()?;
    let begin = Instant::now();
    for batch in batches {
        let expected = (flood.answered + window).min(count);
        let writer = thread::spawn(move || input.write_all(&batch).map(|()| input));
        while flood.answered < expected && host.process.has_output(SILENCE)? {
            let line = host.process.line()?;
            flood.bytes += line.len();
            if let Some(id) = id_of(line) {
                // Echoes have neither, and count as results.
                flood.results += usize::from(memchr::memmem::find(line, b"\"error\":").is_none());
                flood.answered += 1;
                ids -= id;
                flood.seconds = begin.elapsed().as_secs_f64();
            }
        }
        input = writer.join().map_err(|_| "the writing thread failed")??;
    }
    host.process.give_input(input);
    if flood.answered == count && ids != 0 {
        return Err("some requests were answered twice and others never".into());
    }
    Ok(flood)
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
pub(crate) fn number(count: usize) -> f64 {
    count as f64
}
