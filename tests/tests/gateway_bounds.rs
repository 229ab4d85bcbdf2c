//! What the gateway costs: memory over many large requests and against hostile connections, and the
//! time that it adds. Each test prints its figures, in the gate those of the program that ships.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "figures are part of what a test tells")]

use std::time::{Duration, Instant};

use byokey_dev_backend::{DevBackend, Options, Script};
use byokey_tests::ProcessStatus;
use byokey_tests::gateway::{Client, Gateway, TOKEN, TURN};
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The length of each request of the test of memory.
const BODY: usize = 1 << 20;
/// What the memory may grow by over all of them, in KiB.
const MOST: u64 = 1024;
/// What it may grow by, whatever is sent without a good bearer, in KiB.
const MOST_HOSTILE: u64 = 20 * 1024;

/// What it may add to the first byte, p50 and p99.
const MOST_ADDED: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];
/// What an answer may cost whose client reads slowly, in KiB.
const MOST_SLOW: u64 = 8 * 1024;
/// The length of a request with many small values.
const SMALL: usize = 4 << 20;
/// What it may cost, in KiB: its body, a copy of its input, the line that is written, and room to grow.
const MOST_SMALL: u64 = 8 * 4 * 1024;

fn backend() -> DevBackend {
    let options = Options::new().keep_requests(0);
    DevBackend::start(options.script(Script::default().lenient())).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_flat_over_a_thousand_turns_of_a_mebibyte() {
    let backend = backend();
    let gateway = Gateway::measured(&backend).await;
    let pid = gateway.child.id().unwrap();
    let client = gateway.client();
    let text = "x".repeat(BODY);
    let body = TURN.replace("Be brief.", &text);
    let turn = || async {
        let answer = client.post("/v1/responses", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    };
    // The first ones make the connections and buffers that stay.
    for _ in 0..20 {
        turn().await;
    }
    // A build without optimisation takes a quarter of a second for each.
    let is_shipped = std::env::var_os("BYOKEY_RELEASE_BIN").is_some();
    let turns = if is_shipped { 1000 } else { 50 };
    let before = ProcessStatus::of(pid).resident;
    for _ in 0..turns {
        turn().await;
    }
    let after = ProcessStatus::of(pid).resident;
    let grown = after.saturating_sub(before);
    println!("figure: {turns} turns of 1 MiB: +{grown} KiB, {after} KiB resident");
    assert!(grown <= MOST, "{grown} KiB");
}

// Row: what one client may cost
#[tokio::test(flavor = "multi_thread")]
async fn connections_without_the_bearer_cost_little_and_keep_no_client_out() {
    let backend = backend();
    let gateway = Gateway::measured(&backend).await;
    let pid = gateway.child.id().unwrap();
    let client = gateway.client();
    assert_eq!(client.get("/v1/models").await.status, 200);
    let before = ProcessStatus::of(pid);
    let long = format!(
        "GET / HTTP/1.1\r\nHost: {}\r\nX: {}",
        client.authority,
        "x".repeat(31_000)
    );
    let guess = Client::new(&gateway.url, "at-a-guess");
    let announced = guess.head("POST /v1/responses", "Content-Length: 60000000\r\n\r\n");
    let text = "x".repeat(1 << 20);
    let mut open = Vec::new();
    for number in 0..1500 {
        let mut stream = client.connect().await;
        let (head, body) = match number % 3 {
            0 => ("", ""),
            1 => (long.as_str(), ""),
            _ => (announced.as_str(), text.as_str()),
        };
        // Those that are refused or dropped meanwhile cannot be written to.
        drop(stream.write_all(head.as_bytes()).await);
        drop(stream.try_write(body.as_bytes()));
        open.push(stream);
    }
    assert_eq!(client.get("/v1/models").await.status, 200);
    let after = ProcessStatus::of(pid);
    let grown = after.resident_peak.saturating_sub(before.resident);
    println!("figure: 1,500 connections without the bearer: peak memory +{grown} KiB");
    assert!(grown <= MOST_HOSTILE, "{grown} KiB");
}

/// Returns the time from the request to the first byte of the answer.
async fn first_byte(stream: &mut TcpStream, request: &[u8]) -> Duration {
    let begun = Instant::now();
    stream.write_all(request).await.unwrap();
    stream.read_u8().await.unwrap();
    begun.elapsed()
}

/// Prints a figure. Its goals are those of `bench.sh`: here the machine may be busy.
#[tokio::test(flavor = "multi_thread")]
async fn the_time_to_the_first_byte() {
    let backend = backend();
    let gateway = Gateway::measured(&backend).await;
    let direct = Client::new(&backend.base_url(), TOKEN);
    let through = gateway.client();
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..220 {
        for (client, times) in [&direct, &through].into_iter().zip(&mut times) {
            let headers = format!(
                "Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{TURN}",
                TURN.len()
            );
            let request = client.head("POST /backend-api/codex/responses", &headers);
            let mut stream = client.connect().await;
            stream.set_nodelay(true).unwrap();
            let time = first_byte(&mut stream, request.as_bytes()).await;
            if round >= 20 {
                times.push(time);
            }
        }
    }
    for times in &mut times {
        times.sort_unstable();
    }
    let at = |part: usize| {
        let [direct, through] = &times;
        let place = direct.len() * part / 100;
        through[place].saturating_sub(direct[place])
    };
    println!(
        "figure: added to the first byte: p50 {:?}, p99 {:?}",
        at(50),
        at(99)
    );
    assert_eq!(times[1].len(), 200);
    assert!(at(50) <= MOST_ADDED[0] && at(99) <= MOST_ADDED[1]);
}

// Row: what one client may cost
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_slowly_slows_the_backend_down_and_costs_no_memory() {
    let endless =
        serde_json::json!({"routes": {"responses": [{"endless": "deltas", "repeat": 0}]}});
    let script = Script::from_json(&endless.to_string()).unwrap();
    let backend = DevBackend::start(Options::new().keep_requests(0).script(script)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("turns.jsonl");
    let recording = ["--record", file.to_str().unwrap()];
    // Byte by byte, event by event, and recorded.
    for (path, arguments) in [
        ("/backend-api/codex/responses", &[][..]),
        ("/v1/responses", &[]),
        ("/backend-api/codex/responses", &recording),
    ] {
        let gateway = Gateway::start(&backend, arguments).await;
        let (pid, client) = (gateway.child.id().unwrap(), gateway.client());
        let before = ProcessStatus::of(pid).resident;
        let headers = format!("Content-Length: {}\r\n\r\n{TURN}", TURN.len());
        let request = client.head(&format!("POST {path}"), &headers);
        let mut stream = client.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.read_u8().await.unwrap();
        // It works until all buffers are full, and no longer.
        let mut ticks = ProcessStatus::of(pid).ticks;
        let deadline = Instant::now() + 3 * byokey_tests::PATIENCE;
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let now = ProcessStatus::of(pid).ticks;
            if now == ticks {
                break;
            }
            ticks = now;
            assert!(Instant::now() < deadline, "it goes on reading");
        }
        // What is read then is followed by more of it.
        let mut part = vec![0; 1 << 16];
        for _ in 0..256 {
            let read = tokio::time::timeout(byokey_tests::PATIENCE, stream.read_exact(&mut part));
            read.await.expect("it goes on").unwrap();
        }
        let grown = ProcessStatus::of(pid).resident_peak.saturating_sub(before);
        println!("figure: a slow reader of 16 MiB, {path}: +{grown} KiB");
        assert!(grown <= MOST_SLOW, "{grown} KiB");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_many_small_values_costs_little_more_than_its_bytes() {
    let backend = backend();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("turns.jsonl");
    let gateway = Gateway::start(&backend, &["--record", file.to_str().unwrap()]).await;
    let (pid, client) = (gateway.child.id().unwrap(), gateway.client());
    assert_eq!(client.post("/v1/responses", TURN).await.status, 200);
    let before = ProcessStatus::of(pid).resident;
    let items = format!("[{}0]", "0,".repeat(SMALL / 2));
    let members = r#""a":0,"#.repeat(SMALL / 6);
    for body in [
        format!(r#"{{"model":"gpt-5.5","stream":true,"input":{items}}}"#),
        format!(r#"{{{members}"stream":true}}"#),
        format!(r#"{{"stream":true,"input":[{{{members}"role":"user"}}]}}"#),
    ] {
        let begun = Instant::now();
        let answer = client.post("/v1/responses", &body).await;
        let took = begun.elapsed();
        let grown = ProcessStatus::of(pid).resident_peak.saturating_sub(before);
        let status = answer.status;
        println!("figure: 4 MiB of small values: {status} in {took:?}, peak +{grown} KiB");
        assert_eq!(status, 200, "{}", answer.body);
        assert!(grown <= MOST_SMALL, "{grown} KiB");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_streams_at_once_all_end_whole() {
    let backend = backend();
    let gateway = Gateway::measured(&backend).await;
    let client = gateway.client();
    let answers = join_all((0..50).map(|_| client.post("/v1/responses", TURN))).await;
    let whole = |answer: &&byokey_tests::gateway::Answer| {
        answer.is_whole && answer.body.contains("response.completed")
    };
    assert_eq!(answers.iter().filter(whole).count(), 50);
}
