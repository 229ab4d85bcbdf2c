//! Cost against the number of requests in flight.

use serde_json::json;
use std::time::{Duration, Instant};

use super::{Growth, Series, Shape};
use crate::Failure;
use crate::candidate::Candidate;
use crate::host::Host;
use crate::measure::{Scale, flood, number};
use crate::site::Site;

const NUMBERS: [usize; 5] = [1, 10, 100, 1_000, 10_000];
/// Requests per data point, at least.
const REQUESTS: usize = 20_000;
/// Silence that counts as a failure.
const SILENCE: Duration = Duration::from_secs(20);

pub(super) fn measure(own: &Candidate, _: &Candidate, scale: Scale) -> Result<Growth, Failure> {
    let site = Site::new()?;
    let mut host = Host::start(own, &site)?;
    let mut at_once = Vec::new();
    for window in NUMBERS {
        let count = (REQUESTS / scale.divisor).max(window);
        let flood = flood(&mut host, count, window)?;
        at_once.push((number(window), flood.seconds / number(count)));
    }
    host.login(0)?;
    host.request("account/rateLimits/read", &json!(null))?;
    let mut calls = Vec::new();
    for count in NUMBERS.into_iter().filter(|count| *count <= affordable()) {
        let rounds = (200 / scale.divisor / count).max(1);
        let begin = Instant::now();
        for _ in 0..rounds {
            call(&mut host, count)?;
        }
        let each = begin.elapsed().as_secs_f64() / number(count * rounds);
        calls.push((number(count), each));
    }
    Ok(Growth {
        title: "Requests in flight",
        along: "requests",
        up: "time per request",
        shape: Shape::Flat,
        note: "Answers wait for a host that parses them in another process.",
        series: vec![
            Series {
                name: "account/read".to_owned(),
                points: at_once,
            },
            Series {
                name: "rateLimits/read, through a backend".to_owned(),
                points: calls,
            },
        ],
    })
}

/// Sends this many requests that need the backend, and waits for all responses.
fn call(host: &mut Host, count: usize) -> Result<(), Failure> {
    let mut requests = String::new();
    for _ in 0..count {
        let id = host.id();
        requests += &format!("{{\"id\":{id},\"method\":\"account/rateLimits/read\"}}\n");
    }
    let mut input = host.process.take_input()?;
    let writer = std::thread::spawn(move || {
        std::io::Write::write_all(&mut input, requests.as_bytes()).map(|()| input)
    });
    let mut answered = 0;
    while answered < count {
        if !host.process.has_output(SILENCE)? {
            return Err(format!("{} of {count} calls had no answer", count - answered).into());
        }
        let message = host.message()?;
        if !message["error"].is_null() {
            return Err(format!("a call failed: {}", message["error"]).into());
        }
        answered += usize::from(!message["id"].is_null());
    }
    let input = writer.join().map_err(|_| "the writing thread failed")??;
    host.process.give_input(input);
    Ok(())
}

/// Returns the number of calls within the limit of descriptors: each takes one on both sides.
fn affordable() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    limit.unwrap_or(usize::MAX).saturating_sub(100)
}
