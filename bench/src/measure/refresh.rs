//! The cost of a refused token.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::login::QUIET;
use super::pipeline::number;
use super::{Figures, Scale};
use crate::Failure;
use crate::candidate::Candidate;
use crate::host::Host;
use crate::model::Manner;
use crate::samples::Samples;
use crate::site::{Site, token};

/// Calls with a refresh, and as many without.
const CALLS: usize = 200;
/// Calls of a storm.
const STORM: usize = 1_000;
/// After this silence, unanswered requests count as lost.
const SILENCE: Duration = Duration::from_secs(12);
const CALL: &str = "account/rateLimits/read";

/// Returns a host after a login.
fn signed_in(candidate: &Candidate, site: &Site) -> Result<Host, Failure> {
    let mut host = Host::start(candidate, site)?;
    host.login(0)?;
    host.settle(QUIET)?;
    Ok(host)
}

pub(super) fn of_calls(candidate: &Candidate, scale: Scale) -> Result<Figures, Failure> {
    let site = Site::new()?;
    let mut host = signed_in(candidate, &site)?;
    let (mut plain, mut refreshed) = (Vec::new(), Vec::new());
    // The first call builds the client.
    host.request(CALL, &Value::Null)?;
    for _ in 0..scale.of(CALLS, candidate) {
        let begin = Instant::now();
        host.request(CALL, &Value::Null)?;
        plain.push(begin.elapsed().as_secs_f64());
        site.backend.reject_bearer(token(host.token));
        let (begin, before) = (Instant::now(), host.refreshes);
        let answer = host.request(CALL, &Value::Null);
        if host.refreshes == before {
            // Some app-servers never request a refresh; the call itself can still be compared.
            break;
        }
        answer?;
        refreshed.push(begin.elapsed().as_secs_f64());
    }
    Ok(medians(plain, refreshed, ["call", "call-refresh"]))
}

pub(super) fn of_turns(candidate: &Candidate, scale: Scale) -> Result<Figures, Failure> {
    let site = Site::new()?;
    let mut host = signed_in(candidate, &site)?;
    let (mut plain, mut refreshed) = (Vec::new(), Vec::new());
    for turn in 0..=scale.of(CALLS, candidate) {
        // A thread repeats its whole conversation, so each turn has its own.
        let (first, second) = (host.thread()?, host.thread()?);
        host.settle(Duration::from_millis(5))?;
        let begin = Instant::now();
        host.turn(&first)?;
        let plainly = begin.elapsed().as_secs_f64();
        site.model.set(Manner {
            pieces: 1,
            pause: Duration::ZERO,
            refused: Some(token(host.token)),
        });
        host.settle(Duration::from_millis(5))?;
        let (begin, before) = (Instant::now(), host.refreshes);
        host.turn(&second)?;
        if host.refreshes == before {
            return Err("the model refused a token, and the host was not asked for another".into());
        }
        // The first turn builds the client.
        if turn > 0 {
            plain.push(plainly);
            refreshed.push(begin.elapsed().as_secs_f64());
        }
    }
    Ok(medians(plain, refreshed, ["turn", "turn-refresh"]))
}

pub(super) fn storm(candidate: &Candidate, _: Scale) -> Result<Figures, Failure> {
    let site = Site::new()?;
    let mut host = signed_in(candidate, &site)?;
    site.backend.reject_bearer(token(host.token));
    let mut requests = String::new();
    let first = host.id();
    for id in first..first + STORM as u64 {
        requests += &json!({"id": id, "method": CALL}).to_string();
        requests.push('\n');
    }
    let begin = Instant::now();
    host.process.write(requests.as_bytes())?;
    let (mut answered, mut succeeded, mut seconds) = (0, 0, 0.0);
    while answered < STORM && host.process.has_output(SILENCE)? {
        let message = host.message()?;
        if message["id"].as_u64().is_some_and(|id| id >= first) {
            answered += 1;
            succeeded += usize::from(message["error"].is_null());
            seconds = begin.elapsed().as_secs_f64();
        }
    }
    Ok(vec![
        ("storm", seconds),
        ("storm-refreshes", number(host.refreshes)),
        ("storm-succeeded", number(succeeded)),
    ])
}

fn medians(plain: Vec<f64>, refreshed: Vec<f64>, ids: [&'static str; 2]) -> Figures {
    let medians = [plain, refreshed].map(|samples| Samples::new(samples).median());
    let figures = ids.into_iter().zip(medians);
    figures
        .filter_map(|(id, median)| Some((id, median?)))
        .collect()
}
