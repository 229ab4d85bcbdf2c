//! Cost against the number of connections, with one request in flight each.

use std::io::{BufRead as _, Write as _};
use std::time::Instant;

use super::{Growth, Series, Shape};
use crate::Failure;
use crate::candidate::Candidate;
use crate::host::READ;
use crate::measure::{Listener, Scale, number};
use crate::site::Site;

const NUMBERS: [usize; 5] = [1, 4, 16, 64, 256];
/// Requests per data point.
const REQUESTS: usize = 20_480;

pub(super) fn measure(own: &Candidate, _: &Candidate, scale: Scale) -> Result<Growth, Failure> {
    let site = Site::new()?;
    let listener = Listener::start(own, &site)?;
    let mut connections = Vec::new();
    let mut points = Vec::new();
    for count in NUMBERS {
        while connections.len() < count {
            connections.push(listener.connect()?);
        }
        let rounds = (REQUESTS / scale.divisor / count).max(1);
        let begin = Instant::now();
        for round in 0..rounds {
            let request = format!("{{\"id\":{},{READ}}}\n", round + 1);
            for connection in &mut connections {
                connection.get_mut().write_all(request.as_bytes())?;
            }
            for connection in &mut connections {
                connection.read_line(&mut String::new())?;
            }
        }
        let each = begin.elapsed().as_secs_f64() / number(rounds * count);
        points.push((number(count), each));
    }
    Ok(Growth {
        title: "Connections",
        along: "connections",
        up: "time per request",
        shape: Shape::Flat,
        note: "Each connection is woken for itself.",
        series: vec![Series {
            name: "account/read".to_owned(),
            points,
        }],
    })
}
