//! What the gateway adds: to the first byte of an answer, in memory over many large requests, and to
//! the start of a program by `byokey run`. Only the build with all features has it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::process::{Command, Stdio};
use std::time::Instant;

use byokey_dev_backend::{TestToken, unsigned};
use serde_json::{Value, json};

use super::{Figures, Scale};
use crate::Failure;
use crate::candidate::{Candidate, Kind};
use crate::proc::Status;
use crate::process::Process;
use crate::samples::Samples;
use crate::site::{ACCOUNT, Site, token};

/// Requests that are timed, and large ones.
const MANY: usize = 1_000;
/// Requests before, which make what stays.
const FIRST: usize = 20;
/// Starts of a program.
const STARTS: usize = 40;
/// Bytes of a large request.
const LARGE: usize = 1 << 20;

/// A gateway that serves.
struct Gateway {
    process: Process,
    address: String,
    bearer: String,
}

/// Returns a candidate that has a gateway.
fn with_gateway(candidate: &Candidate) -> Option<&Candidate> {
    Some(candidate).filter(|it| it.kind == Kind::Own && !it.is_slim)
}

/// Stores a login where `--store file` looks for it.
fn sign_in(site: &Site) -> Result<(), Failure> {
    let folder = site.home.path().join(".local/share/byokey");
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(&folder)?;
    let login = json!({
        "auth_mode": "chatgpt", "OPENAI_API_KEY": null, "last_refresh": "2026-02-01T12:00:00Z",
        "tokens": {
            "id_token": unsigned(&TestToken::new("ada").claims(), "id"), "access_token": token(0),
            "refresh_token": "rt-made-up-token-of-a-measurement", "account_id": ACCOUNT,
        },
    });
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600);
    let mut file = file.open(folder.join("auth.json"))?;
    Ok(file.write_all(login.to_string().as_bytes())?)
}

impl Gateway {
    fn start(candidate: &Candidate, site: &Site) -> Result<Self, Failure> {
        sign_in(site)?;
        let words = ["gateway", "--json", "--store", "file"];
        let candidate = candidate.clone().with_arguments(&words);
        let mut process = Process::start(&candidate, site.home.path(), &[])?.watched();
        let line: Value = serde_json::from_slice(process.line()?)?;
        let text = |name: &str| line[name].as_str().map(str::to_owned);
        let url = text("url").ok_or_else(|| format!("no gateway: {line}"))?;
        Ok(Self {
            address: url.replace("http://", ""),
            bearer: text("bearer").unwrap_or_default(),
            process,
        })
    }

    fn request(&self, path: &str, body: &str) -> Vec<u8> {
        request(&self.address, &self.bearer, path, body)
    }
}

/// Returns a request for a turn.
fn request(host: &str, bearer: &str, path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {bearer}\r\ncontent-type: \
         application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

fn turn(instructions: &str) -> String {
    let input = json!([{"role": "user", "content": [{"type": "input_text", "text": "Hello"}]}]);
    json!({"model": "mock-model", "instructions": instructions, "store": false, "stream": true,
        "input": input})
    .to_string()
}

/// Sends a request on a connection of its own. Returns the time from its first byte to that of the
/// answer, once all of that is read.
fn ask(address: &str, request: &[u8]) -> Result<f64, Failure> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let begin = Instant::now();
    stream.write_all(request)?;
    let mut first = [0; 16];
    stream.read_exact(&mut first)?;
    let time = begin.elapsed().as_secs_f64();
    if !first.starts_with(b"HTTP/1.1 200") {
        return Err("a request was refused".into());
    }
    stream.read_to_end(&mut Vec::new())?;
    Ok(time)
}

pub(super) fn first_byte(candidate: &Candidate, scale: Scale) -> Result<Figures, Failure> {
    let Some(candidate) = with_gateway(candidate) else {
        return Ok(Vec::new());
    };
    let site = Site::new()?;
    let gateway = Gateway::start(candidate, &site)?;
    let model = site.model.address().to_string();
    let body = turn("Be brief.");
    let direct = request(&model, &token(0), "/v1/responses", &body);
    let through = gateway.request("/backend-api/codex/responses", &body);
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..FIRST + scale.of(MANY, candidate) {
        let asked = [ask(&model, &direct)?, ask(&gateway.address, &through)?];
        if round >= FIRST {
            for (times, time) in times.iter_mut().zip(asked) {
                times.push(time);
            }
        }
    }
    let [direct, through] = times.map(Samples::new);
    let figures = [
        ("gateway-direct-p50", &direct, 0.5),
        ("gateway-direct-p99", &direct, 0.99),
        ("gateway-p50", &through, 0.5),
        ("gateway-p99", &through, 0.99),
    ];
    Ok(figures
        .into_iter()
        .filter_map(|(id, samples, share)| Some((id, samples.quantile(share)?)))
        .collect())
}

pub(super) fn memory(candidate: &Candidate, scale: Scale) -> Result<Figures, Failure> {
    let Some(candidate) = with_gateway(candidate) else {
        return Ok(Vec::new());
    };
    let site = Site::new()?;
    let gateway = Gateway::start(candidate, &site)?;
    let request = gateway.request("/v1/responses", &turn(&"x".repeat(LARGE)));
    let mut before = None;
    for number in 0..FIRST + scale.of(MANY, candidate) {
        if number == FIRST {
            before = Some(Status::of(gateway.process.pid())?);
        }
        ask(&gateway.address, &request)?;
    }
    let after = Status::of(gateway.process.pid())?;
    let mut figures = vec![("gateway-memory", after.resident)];
    figures.extend(before.map(|it| ("gateway-memory-growth", after.resident - it.resident)));
    Ok(figures)
}

pub(super) fn start_of_a_program(candidate: &Candidate, scale: Scale) -> Result<Figures, Failure> {
    let Some(candidate) = with_gateway(candidate) else {
        return Ok(Vec::new());
    };
    let site = Site::new()?;
    sign_in(&site)?;
    let home = site.home.path();
    let words = ["run", "--store", "file", "--", "true"];
    let by_run = candidate.clone().with_arguments(&words);
    let took = |mut command: Command| -> Result<f64, Failure> {
        command.stdin(Stdio::null()).stderr(Stdio::null());
        let begin = Instant::now();
        let status = command.status()?;
        let time = begin.elapsed().as_secs_f64();
        if !status.success() {
            return Err(format!("the program ended with {status}").into());
        }
        Ok(time)
    };
    let (mut plain, mut run) = (Vec::new(), Vec::new());
    for _ in 0..scale.of(STARTS, candidate) {
        plain.push(took(Command::new("true"))?);
        run.push(took(by_run.command(home))?);
    }
    let figures = [("run-plain", plain), ("run-start", run)];
    Ok(figures
        .into_iter()
        .filter_map(|(id, samples)| Some((id, Samples::new(samples).median()?)))
        .collect())
}
