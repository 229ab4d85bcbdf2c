//! The near side: what a host asks for, and how long it waits.

use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::backend::REFUSED;
use crate::candidate::{Candidate, Kind};
use crate::host::Host;
use crate::samples::Samples;
use crate::{Failure, say};

const CALL: &str = "account/rateLimits/read";
/// A model that every version of codex knows.
const MODEL: &str = "gpt-5.5";
/// What a person needs at least between two turns.
const PAUSE: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_secs(30);
/// Calls and turns of one candidate.
const REPEATED: usize = 5;
/// Calls of a storm of 401s.
const STORM: usize = 1_000;
/// After this silence, what is not answered is lost.
const SILENCE: Duration = Duration::from_secs(20);

/// One line of the table: what was done, and how long each of the candidates took.
struct Row {
    name: &'static str,
    seconds: Vec<Option<f64>>,
}

/// The rows in order, by their names.
const ROWS: [&str; 10] = [
    "login",
    "first call, 1 s after the login",
    "further call, 1 s after the last",
    "call right behind another",
    "turn, 1 s after the last",
    "call with a 401 and a refresh",
    "call after 30 s of idleness",
    "call at once after the login",
    "1,000 calls with a 401 each",
    "refreshes of these",
];

/// Measures: `URL FILE MILLISECONDS PROGRAM...`, where a program with a blank in it is another
/// app-server's command line.
pub(crate) fn run(mut arguments: impl Iterator<Item = String>) -> Result<(), Failure> {
    let mut next = || {
        arguments
            .next()
            .ok_or("far URL FILE MILLISECONDS PROGRAM...")
    };
    let (url, file, delay) = (next()?, next()?, next()?.parse::<u32>()?);
    let mut candidates = Vec::new();
    for program in arguments {
        let candidate = if program.contains(' ') {
            Candidate::peer(&program)?
        } else {
            let name = Path::new(&program).file_name().unwrap_or_default();
            Candidate::own(&name.to_string_lossy(), Path::new(&program))?
        };
        candidates.push(candidate.with_variable("CODEX_CA_CERTIFICATE", &file));
    }
    let trip = round_trip(&url)?;
    say(&format!(
        "\nA backend {delay} ms away (TCP connects in {:.1} ms): milliseconds, round trips",
        trip * 1e3
    ));
    let mut rows: Vec<Row> = ROWS
        .into_iter()
        .map(|name| Row {
            name,
            seconds: Vec::new(),
        })
        .collect();
    for candidate in &candidates {
        let measured = measure(candidate, &url).unwrap_or_else(|failure| {
            say(&format!("  {}: broke off: {failure}", candidate.name));
            Vec::new()
        });
        for (at, row) in rows.iter_mut().enumerate() {
            row.seconds.push(measured.get(at).copied().flatten());
        }
    }
    let names = candidates.iter().map(|it| format!("{:>22}", it.name));
    say(&format!("{:36}{}", "", names.collect::<String>()));
    for row in rows {
        let is_count = row.name.starts_with("refreshes");
        let cells = row.seconds.iter().map(|seconds| match seconds {
            Some(count) if is_count => format!("{count:>22}"),
            Some(seconds) => format!("{:>14.1} {:>7.2}", seconds * 1e3, seconds / trip),
            None => format!("{:>22}", "–"),
        });
        say(&format!("{:36}{}", row.name, cells.collect::<String>()));
    }
    Ok(())
}

/// How long a round trip takes, in seconds: what it takes to connect.
fn round_trip(url: &str) -> Result<f64, Failure> {
    let address = url.trim_start_matches("https://");
    let mut samples = Vec::new();
    for _ in 0..9 {
        let begin = Instant::now();
        drop(TcpStream::connect(address)?);
        samples.push(begin.elapsed().as_secs_f64());
    }
    // What else the machine does only makes it longer.
    Ok(samples.into_iter().fold(f64::INFINITY, f64::min))
}

fn measure(candidate: &Candidate, url: &str) -> Result<Vec<Option<f64>>, Failure> {
    let home = tempfile::Builder::new().prefix("byokey-far").tempdir()?;
    let config = format!(
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
    );
    #[expect(clippy::disallowed_methods, reason = "a folder of its own")]
    std::fs::write(home.path().join("config.toml"), config)?;
    let mut host = Host::start_in(candidate, home.path(), &[])?;
    let mut rows = vec![Some(timed(|| host.login(0))?)];
    std::thread::sleep(PAUSE);
    rows.push(Some(timed(|| call(&mut host))?));
    rows.push(repeated(|| {
        std::thread::sleep(PAUSE);
        timed(|| call(&mut host))
    })?);
    let all = timed(|| (0..REPEATED).try_for_each(|_| call(&mut host)))?;
    rows.push(Some(all / 5.0));
    let params = json!({"model": MODEL, "approvalPolicy": "never", "sandbox": "read-only"});
    let thread = host.request("thread/start", &params)?;
    let thread = thread["thread"]["id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    rows.push(repeated(|| {
        host.settle(PAUSE)?;
        timed(|| host.turn(&thread))
    })?);
    host.login(REFUSED[0])?;
    host.settle(PAUSE)?;
    let refused = timed(|| call(&mut host));
    rows.push(refused.ok().filter(|_| host.refreshes == 1));
    // Whatever that left.
    host.login(1)?;
    host.settle(PAUSE)?;
    host.turn(&thread)?;
    host.settle(IDLE)?;
    rows.push(Some(timed(|| call(&mut host))?));
    drop(host);
    let mut host = Host::start_in(candidate, home.path(), &[])?;
    rows.push(Some(timed(|| {
        host.login(0)?;
        call(&mut host)
    })?));
    if candidate.kind == Kind::Own {
        host.login(REFUSED[1])?;
        host.settle(PAUSE)?;
        match storm(&mut host) {
            Ok((seconds, refreshes)) => rows.extend([Some(seconds), Some(refreshes)]),
            Err(failure) => say(&format!("  {}: no storm: {failure}", candidate.name)),
        }
    }
    Ok(rows)
}

fn call(host: &mut Host) -> Result<(), Failure> {
    host.request(CALL, &Value::Null).map(drop)
}

/// Seconds that something takes.
fn timed(deed: impl FnOnce() -> Result<(), Failure>) -> Result<f64, Failure> {
    let begin = Instant::now();
    deed()?;
    Ok(begin.elapsed().as_secs_f64())
}

fn repeated(mut deed: impl FnMut() -> Result<f64, Failure>) -> Result<Option<f64>, Failure> {
    let samples: Result<Vec<f64>, Failure> = (0..REPEATED).map(|_| deed()).collect();
    Ok(Samples::new(samples?).median())
}

/// All calls at once, under a refused token. Returns how long it took until all succeeded, and how
/// often the host was asked for another token.
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
                return Err(format!("a call of the storm failed: {}", message["error"]).into());
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
