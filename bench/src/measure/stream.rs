//! Delay of a streamed delta compared with a direct connection to the model.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::{Figures, Scale};
use crate::Failure;
use crate::candidate::{Candidate, Kind};
use crate::host::Host;
use crate::model::{Manner, age};
use crate::process::Process;
use crate::samples::Samples;
use crate::site::Site;

/// Deltas in a stream.
const PIECES: usize = 1_000;
/// The delay between two.
const PAUSE: Duration = Duration::from_millis(1);

pub(super) fn deltas(candidate: &Candidate, scale: Scale) -> Result<Figures, Failure> {
    let site = Site::new()?;
    let manner = Manner {
        pieces: scale.of(PIECES, candidate),
        pause: PAUSE,
        refused: None,
    };
    let (direct, through) = if candidate.kind == Kind::Echo {
        site.model.set(manner);
        (directly(&site)?, by_echo(candidate, &site)?)
    } else {
        let mut host = Host::start(candidate, &site)?;
        host.login(0)?;
        let thread = host.thread()?;
        // The first turn builds the client.
        host.turn(&thread)?;
        site.model.set(manner);
        (directly(&site)?, by_turn(&mut host, &thread)?)
    };
    let (direct, through) = (Samples::new(direct), Samples::new(through));
    let figures = [
        ("direct-p50", &direct, 0.5),
        ("direct-p99", &direct, 0.99),
        ("delta-p50", &through, 0.5),
        ("delta-p99", &through, 0.99),
    ];
    Ok(figures
        .into_iter()
        .filter_map(|(id, samples, share)| Some((id, samples.quantile(share)?)))
        .collect())
}

/// Opens a connection on which the model answers.
fn ask(site: &Site) -> Result<TcpStream, Failure> {
    let mut stream = TcpStream::connect(site.model.address())?;
    stream.write_all(b"POST /v1/responses HTTP/1.1\r\nhost: model\r\ncontent-length: 0\r\n\r\n")?;
    Ok(stream)
}

fn directly(site: &Site) -> Result<Vec<f64>, Failure> {
    let mut ages = Vec::new();
    let (mut reader, mut line) = (BufReader::new(ask(site)?), Vec::new());
    while reader.read_until(b'\n', &mut line)? > 0 {
        ages.extend(age(&line));
        line.clear();
    }
    Ok(ages)
}

/// Sends every byte of the response through the echo process.
fn by_echo(candidate: &Candidate, site: &Site) -> Result<Vec<f64>, Failure> {
    let home = site.home.path();
    let mut process = Process::reading_from(candidate, home, ask(site)?)?.watched();
    let mut ages = Vec::new();
    loop {
        let line = process.line()?;
        ages.extend(age(line));
        if memchr::memmem::find(line, b"\"response.completed\"").is_some() {
            return Ok(ages);
        }
    }
}

fn by_turn(host: &mut Host, thread: &str) -> Result<Vec<f64>, Failure> {
    host.start_turn(thread)?;
    let mut ages = Vec::new();
    loop {
        let line = host.process.line()?;
        if memchr::memmem::find(line, b"\"item/agentMessage/delta\"").is_some() {
            ages.extend(age(line));
        }
        if memchr::memmem::find(line, b"\"turn/completed\"").is_some() {
            return Ok(ages);
        }
    }
}
