//! Bounds on all answers of a backend together: many calls and turns at once, each with an answer
//! that is within its own limits. Each test prints the growth of the memory, in the gate that of the
//! program that ships. Afterwards an ordinary call, an ordinary turn and an answer that needs most
//! of the room succeed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "figures are part of what a test tells")]

mod back_pressure;
mod calls;
mod turns;

use std::time::{Duration, Instant};

use byokey_dev_backend::{DevBackend, Options, Route, TestToken};
use byokey_tests::server::mock_provider;
use byokey_tests::tls::{Http, certified};
use byokey_tests::turns::{rate_limits, script, text, turn};
use byokey_tests::{Host, Listening, PATIENCE, ProcessStatus, Setup, byokey_measured};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

/// The allowed growth of the memory, in KiB.
const MOST: u64 = 16 * 1024;
/// Short calls at once; as many as are sent.
const CALLS: usize = 64;
/// Turns of one client at once.
const TURNS: usize = 48;
/// Bytes of an answer that stays just below its own limit.
const LONG: usize = 3_800_000;
/// Unencrypted, and behind TLS over both versions of HTTP.
const WAYS: [Option<Http>; 3] = [None, Some(Http::One), Some(Http::Two)];

/// A server with two clients, signed in, whose backend is reached in one of the ways.
struct Stage {
    backend: DevBackend,
    listening: Listening,
    hosts: [Host; 2],
    before: ProcessStatus,
    way: Option<Http>,
}

impl Stage {
    async fn set(way: Option<Http>) -> Self {
        let (mut options, file) = (Options::new(), NamedTempFile::new().unwrap());
        if let Some(http) = way {
            let (config, pem) = certified(http);
            std::io::Write::write_all(&mut file.as_file(), pem.as_bytes()).unwrap();
            options = options.tls(config);
        }
        let backend = DevBackend::start(options).unwrap();
        let setup = Setup::default()
            .program(byokey_measured())
            .config(&mock_provider(&backend.base_url()))
            .environment("CODEX_CA_CERTIFICATE", file.path().to_str().unwrap());
        let listening = Listening::start(setup, "unix://").await;
        let mut hosts = [listening.unix_host().await, listening.unix_host().await];
        hosts[0]
            .login(&TestToken::new("ada").encode(), "ws-1")
            .await;
        // The first use of everything is not counted.
        rate_limits(&mut hosts[0]).await.unwrap();
        assert_eq!(turn(&mut hosts[0]).await["status"], "completed");
        Self {
            before: ProcessStatus::of(listening.server.pid()),
            backend,
            listening,
            hosts,
            way,
        }
    }

    /// Prints how much the memory has grown at most, and holds it to the limit.
    fn check(&self, what: &str) {
        let after = ProcessStatus::of(self.listening.server.pid());
        let grown = after.resident_peak.saturating_sub(self.before.resident);
        let way = match self.way {
            None => "unencrypted",
            Some(Http::One) => "TLS, HTTP/1.1",
            Some(Http::Two) => "TLS, HTTP/2",
        };
        println!("figure: {what} ({way}): peak memory +{grown} KiB");
        assert!(grown <= MOST, "{what} ({way}): {grown} KiB");
    }

    /// Afterwards there is room for what is ordinary, and for one answer that takes most of it.
    async fn is_as_before(&mut self) {
        let long = json!({"plan_type": vec![1; LONG / 2], "rate_limit": {"primary_window": {"used_percent": 4}}});
        self.backend
            .set_script(script("usage", &json!([{"body": long}])));
        let host = &mut self.hosts[0];
        let read = rate_limits(host).await.unwrap();
        assert_eq!(read["rateLimits"]["primary"]["usedPercent"], 4);
        rate_limits(host).await.unwrap();
        self.backend
            .set_script(script("responses", &json!([{"text": ["Yes."]}])));
        let ended = turn(host).await;
        assert_eq!(text(&ended), "Yes.", "{ended}");
    }
}

/// Waits until the memory of a process has stopped to grow.
async fn settled(pid: u32) {
    let (begun, mut most, mut since) = (Instant::now(), 0, Instant::now());
    while since.elapsed() < Duration::from_millis(1500) && begun.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let resident = ProcessStatus::of(pid).resident;
        if resident > most + 64 {
            (most, since) = (resident, Instant::now());
        }
    }
}

/// Asserts that a failure is that of the room that all answers share, and says what to do.
fn assert_no_room(failure: &Value, kind: &Value) {
    assert_eq!(*kind, "overloaded", "{failure}");
    let message = failure["message"].as_str().unwrap_or_default();
    assert!(message.contains("try again"), "{failure}");
}

fn of_route(route: Route, step: &Value) -> byokey_dev_backend::Script {
    script(route.name(), &json!([step]))
}
