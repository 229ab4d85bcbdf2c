//! Cost against the size of a message: `account/read` with a long unknown member.

use std::io::Write as _;
use std::time::Instant;

use super::{Growth, Series, Shape};
use crate::Failure;
use crate::candidate::Candidate;
use crate::host::Host;
use crate::measure::{Scale, id_of, number};
use crate::site::Site;

/// From the smallest request to the longest accepted one.
const SIZES: [usize; 9] = [
    64,
    256,
    1 << 10,
    4 << 10,
    16 << 10,
    64 << 10,
    256 << 10,
    1 << 20,
    4 << 20,
];
/// Bytes sent per size, if that makes at least [`FEWEST`] messages and at most [`MOST`].
const BYTES: usize = 32 << 20;
const FEWEST: usize = 9;
const MOST: usize = 5_000;
/// Guaranteed to fit into a pipe.
const PIPE: usize = 32 << 10;

pub(super) fn measure(own: &Candidate, echo: &Candidate, scale: Scale) -> Result<Growth, Failure> {
    let mut series = Vec::new();
    for candidate in [own, echo] {
        let site = Site::new()?;
        let mut host = Host::start(candidate, &site)?;
        let mut points = Vec::new();
        for size in SIZES {
            let count = (BYTES / size).clamp(FEWEST, MOST) / scale.divisor;
            points.push((number(size), trip(&mut host, size, count.max(3))?));
        }
        series.push(Series {
            name: candidate.name.clone(),
            points,
        });
    }
    Ok(Growth {
        title: "Message size",
        along: "bytes",
        up: "round trip",
        shape: Shape::Linear,
        note: "A message longer than 128 KiB gets pages of its own, which the system hands out as \
               they are written.",
        series,
    })
}

/// Returns the best round trip of messages of this size.
fn trip(host: &mut Host, size: usize, count: usize) -> Result<f64, Failure> {
    let mut samples = Vec::with_capacity(count);
    for _ in 0..count {
        let id = host.id();
        let mut message =
            format!("{{\"id\":{id},\"method\":\"account/read\",\"params\":{{\"a\":\"").into_bytes();
        let end = b"\"}}\n";
        message.resize((size - end.len()).max(message.len()), b'x');
        message.extend(end);
        let mut input = host.process.take_input()?;
        let begin = Instant::now();
        // An echo of a long message fills both pipes unless it is read during the write.
        std::thread::scope(|scope| {
            if size < PIPE {
                input.write_all(&message)?;
            } else {
                scope.spawn(|| input.write_all(&message));
            }
            while id_of(host.process.line()?) != Some(id) {}
            Ok::<_, Failure>(())
        })?;
        samples.push(begin.elapsed().as_secs_f64());
        host.process.give_input(input);
    }
    let best = samples.into_iter().reduce(f64::min);
    best.ok_or_else(|| "no round trips".into())
}
