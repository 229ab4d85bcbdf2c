//! One request at a time.

use std::io::Write as _;
use std::time::Instant;

use super::{Figures, Scale};
use crate::Failure;
use crate::candidate::Candidate;
use crate::host::{Host, READ};
use crate::samples::Samples;
use crate::site::Site;

/// Round trips of one candidate.
const TRIPS: usize = 20_000;

pub(super) fn account_read(candidate: &Candidate, scale: Scale) -> Result<Figures, Failure> {
    let site = Site::new()?;
    let mut host = Host::start(candidate, &site)?;
    let count = scale.of(TRIPS, candidate);
    let mut samples = Vec::with_capacity(count);
    let mut message = Vec::new();
    for _ in 0..count {
        let id = host.id();
        message.clear();
        writeln!(message, "{{\"id\":{id},{READ}}}")?;
        let begin = Instant::now();
        host.process.write(&message)?;
        while id_of(host.process.line()?) != Some(id) {}
        samples.push(begin.elapsed().as_secs_f64());
    }
    let samples = Samples::new(samples);
    let figures = [("read-p50", 0.5), ("read-p99", 0.99), ("read-p999", 0.999)];
    Ok(figures
        .into_iter()
        .filter_map(|(id, share)| Some((id, samples.quantile(share)?)))
        .collect())
}

/// Returns the id of a response without parsing the rest.
pub(crate) fn id_of(line: &[u8]) -> Option<u64> {
    let name = b"\"id\":";
    let at = memchr::memmem::find(line, name)? + name.len();
    let rest = line.get(at..)?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit());
    digits
        .map(|digit| u64::from(digit - b'0'))
        .reduce(|number, digit| number * 10 + digit)
}
