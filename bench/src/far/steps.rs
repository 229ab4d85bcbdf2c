//! The steps of one program: what a host asks for, and how long it waits.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::Record;
use super::backend::{REFUSED, spoken};
use crate::Failure;
use crate::candidate::{Candidate, Kind};
use crate::host::Host;
use crate::samples::Samples;

const CALL: &str = "account/rateLimits/read";
/// A model that every version of codex knows.
const MODEL: &str = "gpt-5.5";
/// What a person needs at least between two turns.
const PAUSE: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_secs(30);
/// Calls in a row.
const BEHIND: u32 = 5;
/// Calls of a storm of 401s.
const STORM: usize = 1_000;
/// After this silence, what is not answered is lost.
const SILENCE: Duration = Duration::from_secs(20);

/// A program with a backend of one protocol.
pub(super) struct Subject {
    /// What its steps took so far.
    pub(super) record: Record,
    candidate: Candidate,
    /// Where the backend writes the protocol of the last connection.
    spoken: PathBuf,
    home: TempDir,
    host: Option<Host>,
    thread: String,
    idle_since: Instant,
    /// What each call after idleness took.
    idle: Vec<f64>,
}

impl Subject {
    /// Prepares a home in which the program uses the backend at this URL.
    pub(super) fn new(
        candidate: &Candidate,
        url: String,
        certificate: &str,
        record: Record,
    ) -> Result<Self, Failure> {
        let home = tempfile::Builder::new().prefix("byokey-far").tempdir()?;
        #[expect(clippy::disallowed_methods, reason = "a folder of its own")]
        std::fs::write(home.path().join("config.toml"), configuration(&url))?;
        Ok(Self {
            record,
            candidate: candidate.clone(),
            spoken: spoken(certificate, &url),
            home,
            host: None,
            thread: String::new(),
            idle_since: Instant::now(),
            idle: Vec::new(),
        })
    }

    /// Takes all steps on a program that is in use, each so many times.
    pub(super) fn warm(&mut self, repeated: usize) {
        let done = self.try_warm(repeated);
        self.note(done);
    }

    /// Leaves the program idle, signed in and after a turn.
    pub(super) fn begin_idleness(&mut self) {
        let done = self.try_begin_idleness();
        self.note(done);
    }

    /// Waits until it was idle for long enough, and makes a call.
    pub(super) fn end_idleness(&mut self) {
        let done = self.try_end_idleness();
        self.note(done);
    }

    /// Ends the program, and takes the storm with one that has just started.
    pub(super) fn anew(&mut self) {
        self.host = None;
        if let Some(idle) = Samples::new(std::mem::take(&mut self.idle)).median() {
            self.add("idle", idle);
        }
        let done = self.try_anew();
        self.note(done);
    }

    fn try_warm(&mut self, repeated: usize) -> Result<(), Failure> {
        let at_once = median(repeated, || {
            let mut host = self.started()?;
            timed(|| {
                host.login(0)?;
                call(&mut host)
            })
        })?;
        self.add("at-once", at_once);
        let mut logins = Vec::new();
        let mut last = None;
        let first = median(repeated, || {
            // The one before has ended when this one starts.
            drop(last.take());
            let mut host = self.started()?;
            logins.push(timed(|| host.login(0))?);
            std::thread::sleep(PAUSE);
            let first = timed(|| call(&mut host))?;
            last = Some(host);
            Ok(first)
        })?;
        let mut host = last.ok_or("nothing was measured")?;
        self.add("first", first);
        if let Some(login) = Samples::new(logins).median() {
            self.add("login", login);
        }
        self.record.protocol = std::fs::read_to_string(&self.spoken).unwrap_or_default();
        let further = median(repeated, || {
            std::thread::sleep(PAUSE);
            timed(|| call(&mut host))
        })?;
        self.add("further", further);
        let all = timed(|| (0..BEHIND).try_for_each(|_| call(&mut host)))?;
        self.add("behind", all / f64::from(BEHIND));
        let params = json!({"model": MODEL, "approvalPolicy": "never", "sandbox": "read-only"});
        let thread = host.request("thread/start", &params)?;
        let thread = thread["thread"]["id"].as_str();
        self.thread = thread.ok_or("a thread has no id")?.to_owned();
        let turn = median(repeated, || {
            host.settle(PAUSE)?;
            timed(|| host.turn(&self.thread))
        })?;
        self.add("turn", turn);
        let refreshes = (0..repeated).map(|_| refresh(&mut host));
        let refreshes: Result<Vec<f64>, Failure> = refreshes.collect();
        match refreshes.map(|samples| Samples::new(samples).median()) {
            Ok(Some(refresh)) => self.add("refresh", refresh),
            Err(failure) if self.candidate.kind != Kind::Peer => self.note(Err(failure)),
            // Some app-servers never request a refresh.
            _ => {}
        }
        self.host = Some(host);
        Ok(())
    }

    fn try_begin_idleness(&mut self) -> Result<(), Failure> {
        let host = self
            .host
            .as_mut()
            .ok_or("it has ended before it was idle")?;
        host.login(1)?;
        host.settle(PAUSE)?;
        host.turn(&self.thread)?;
        self.idle_since = Instant::now();
        Ok(())
    }

    fn try_end_idleness(&mut self) -> Result<(), Failure> {
        let Some(host) = self.host.as_mut() else {
            return Ok(());
        };
        while let Some(rest) = IDLE.checked_sub(self.idle_since.elapsed()) {
            if host.process.has_output(rest)? {
                host.message()?;
            }
        }
        host.settle(Duration::ZERO)?;
        let idle = timed(|| call(host))?;
        self.idle.push(idle);
        Ok(())
    }

    fn try_anew(&mut self) -> Result<(), Failure> {
        if self.candidate.kind != Kind::Peer {
            let mut host = self.started()?;
            host.login(REFUSED[1])?;
            host.settle(PAUSE)?;
            let (seconds, refreshes) = storm(&mut host)?;
            self.add("storm", seconds);
            self.add("storm-refreshes", refreshes);
        }
        Ok(())
    }

    fn started(&self) -> Result<Host, Failure> {
        Host::start_in(&self.candidate, self.home.path(), &[])
    }

    fn add(&mut self, step: &str, value: f64) {
        self.record.values.insert(step.to_owned(), value);
    }

    fn note(&mut self, done: Result<(), Failure>) {
        if let Err(failure) = done {
            // A peer's error may be long.
            let failure: String = failure.to_string().chars().take(200).collect();
            // A program that is gone fails each time.
            if self.record.failures.last() != Some(&failure) {
                self.record.failures.push(failure);
            }
        }
    }
}

fn configuration(url: &str) -> String {
    format!(
        r#"model = "{MODEL}"
model_provider = "far"
chatgpt_base_url = "{url}/backend-api"
[model_providers.far]
name = "Far"
base_url = "{url}/backend-api/codex"
wire_api = "responses"
requires_openai_auth = true
request_max_retries = 0
stream_max_retries = 0
"#
    )
}

fn call(host: &mut Host) -> Result<(), Failure> {
    host.request(CALL, &Value::Null).map(drop)
}

/// Returns the seconds that something takes.
fn timed(deed: impl FnOnce() -> Result<(), Failure>) -> Result<f64, Failure> {
    let begin = Instant::now();
    deed()?;
    Ok(begin.elapsed().as_secs_f64())
}

fn median(repeated: usize, mut deed: impl FnMut() -> Result<f64, Failure>) -> Result<f64, Failure> {
    let samples: Result<Vec<f64>, Failure> = (0..repeated).map(|_| deed()).collect();
    let median = Samples::new(samples?).median();
    median.ok_or_else(|| "nothing was measured".into())
}

/// Returns the seconds of a call with a refused token.
fn refresh(host: &mut Host) -> Result<f64, Failure> {
    host.login(REFUSED[0])?;
    host.settle(PAUSE)?;
    let before = host.refreshes;
    let seconds = timed(|| call(host))?;
    if host.refreshes == before + 1 {
        Ok(seconds)
    } else {
        Err("the host was not asked for another token".into())
    }
}

/// Sends all calls at once, under a refused token. Returns how many seconds it took until all
/// succeeded, and how often the host was asked for another token.
fn storm(host: &mut Host) -> Result<(f64, f64), Failure> {
    let mut requests = String::new();
    let first = host.id();
    for id in first..first + STORM as u64 {
        requests += &json!({"id": id, "method": CALL}).to_string();
        requests.push('\n');
    }
    let before = host.refreshes;
    let begin = Instant::now();
    host.process.write(requests.as_bytes())?;
    let mut succeeded = 0;
    while succeeded < STORM && host.process.has_output(SILENCE)? {
        let message = host.message()?;
        if message["id"].as_u64().is_some_and(|id| id >= first) && message["method"].is_null() {
            if !message["error"].is_null() {
                let error = &message["error"];
                return Err(format!("call {succeeded} of the storm failed: {error}").into());
            }
            succeeded += 1;
        }
    }
    if succeeded < STORM {
        return Err(format!("{succeeded} of {STORM} calls were answered").into());
    }
    let refreshes = u32::try_from(host.refreshes - before)?;
    Ok((begin.elapsed().as_secs_f64(), f64::from(refreshes)))
}
