//! T6 and T8: how quickly the server exits.

use std::time::{Duration, Instant};

use byokey_dev_backend::{DevBackend, Options, TestToken};
use byokey_tests::{Host, PATIENCE, ProcessStatus, Server};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::quiet_setup;

/// The shortest of five runs: other load on the machine does not count.
async fn shortest(what: &str, mut run: impl AsyncFnMut() -> Duration) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        best = best.min(run().await);
    }
    println!("{what}: {best:?}");
    best
}

async fn ended(server: &mut Server, since: Instant) -> Duration {
    assert_eq!(server.exit_code().await, Some(0));
    since.elapsed()
}

// Row: end of input, idle
#[tokio::test]
async fn t6_idle_it_ends_with_its_input_within_50_ms() {
    let took = shortest("T6: end of input, idle", async || {
        let mut server = quiet_setup().start();
        let mut host = Host::initialized(&mut server).await;
        let closed = Instant::now();
        host.close_input();
        ended(&mut server, closed).await
    });
    assert!(took.await <= Duration::from_millis(50));
}

// Row: end of input, a refresh pending
#[tokio::test]
async fn t6_with_a_refresh_pending_it_ends_with_its_input_within_a_second() {
    let took = shortest("T6: end of input, refresh pending", async || {
        let backend = DevBackend::start(Options::new()).unwrap();
        let mut server = quiet_setup().backend(&backend).start();
        let mut host = Host::initialized(&mut server).await;
        let token = TestToken::new("ada").encode();
        host.login(&token, "ws-1").await;
        backend.reject_bearer(&token);
        host.start("account/rateLimits/read", json!({})).await;
        host.asked("account/chatgptAuthTokens/refresh").await;
        let closed = Instant::now();
        host.close_input();
        ended(&mut server, closed).await
    });
    assert!(took.await <= Duration::from_secs(1));
}

// Row: signals
#[tokio::test]
async fn t6_a_signal_ends_it_within_50_ms() {
    let took = shortest("T6: SIGTERM", async || {
        let mut server = quiet_setup().start();
        let _host = Host::initialized(&mut server).await;
        let pid = Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap();
        let sent = Instant::now();
        kill_process(pid, Signal::TERM).unwrap();
        ended(&mut server, sent).await
    });
    assert!(took.await <= Duration::from_millis(50));
}

// Row: output closed
#[tokio::test]
async fn t8_it_ends_within_a_second_of_the_first_failed_write() {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    let took = shortest("T8: output closed, first write fails", async || {
        let mut server = quiet_setup().start();
        let (mut input, output) = server.pipes();
        let client = json!({"name": "test-host", "version": "1.0"});
        let initialize = json!({"id": 0, "method": "initialize", "params": {"clientInfo": client}});
        let line = format!("{initialize}\n");
        input.write_all(line.as_bytes()).await.unwrap();
        let mut output = BufReader::new(output);
        let mut line = String::new();
        let read = output.read_line(&mut line);
        tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
        drop(output);
        let before = ProcessStatus::of(server.pid());
        tokio::time::sleep(Duration::from_millis(500)).await;
        let after = ProcessStatus::of(server.pid());
        let used = after
            .processor_time()
            .saturating_sub(before.processor_time());
        assert!(used <= Duration::from_millis(10), "it spins: {used:?}");
        let written = Instant::now();
        input
            .write_all(b"{\"id\":1,\"method\":\"account/read\"}\n")
            .await
            .unwrap();
        ended(&mut server, written).await
    });
    assert!(took.await <= Duration::from_secs(1));
}
