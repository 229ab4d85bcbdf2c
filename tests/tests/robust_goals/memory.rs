//! T1 and T2: one endless line, an absent reader, and a backend that never answers.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use byokey_dev_backend::{DevBackend, Options, Route, TestToken};
use byokey_tests::{Host, PATIENCE, ProcessStatus};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::quiet_setup;

/// The message limit, in KiB.
const LIMIT: u64 = 4 * 1024;

// Row: a line without end costs no memory
#[tokio::test]
async fn t1_an_endless_line_grows_the_memory_by_no_more_than_the_message_limit() {
    let mut server = quiet_setup().start();
    let mut host = Host::initialized(&mut server).await;
    // A first line, well within the limit, so that the memory of its code does not count.
    let chunk = vec![b'x'; 1 << 20];
    host.send_raw(&chunk[1..]).await;
    host.send_raw(b"\n").await;
    let garbage = host.next().await.unwrap();
    assert_eq!(garbage["error"]["code"], -32700);
    let before = ProcessStatus::of(server.pid());
    let begun = Instant::now();
    for _ in 0..512 {
        host.send_raw(&chunk).await;
    }
    host.send_raw(b"\n").await;
    assert!(host.request("account/read", json!({})).await.is_ok());
    let after = ProcessStatus::of(server.pid());
    let grown = after.resident_peak - before.resident;
    println!(
        "T1: 512 MiB without a line break: peak memory +{grown} KiB, afterwards {} KiB, {:?}",
        after.resident,
        begun.elapsed()
    );
    // The line is stored up to the limit, in whole pages.
    assert!(grown <= LIMIT + 256, "{grown} KiB");
    let told = host.quiet_for(Duration::ZERO).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["error"]["data"]["kind"], "messageTooLong");
}

// Row: output full
#[tokio::test]
async fn t2_an_absent_reader_costs_no_memory_and_loses_no_answer() {
    let mut server = quiet_setup().start();
    let (mut input, mut output) = server.pipes();
    input
        .write_all(
            b"{\"id\":0,\"method\":\"initialize\",\"params\":{\"clientInfo\":\
              {\"name\":\"test-host\",\"version\":\"1.0\"}}}\n",
        )
        .await
        .unwrap();
    let begun = output.read_u8();
    assert_eq!(begun.await.unwrap(), b'{', "it has started");
    let before = ProcessStatus::of(server.pid());
    let (mut sent, until) = (0, Instant::now() + Duration::from_secs(8));
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        let lines: String = (0..100)
            .map(|id| format!("{{\"id\":{id},\"method\":\"account/read\"}}\n"))
            .collect();
        match tokio::time::timeout(left, input.write_all(lines.as_bytes())).await {
            Ok(written) => written.unwrap(),
            Err(_) => break,
        }
        sent += 100;
    }
    let after = ProcessStatus::of(server.pid());
    let grown = after.resident_peak.saturating_sub(before.resident);
    println!("T2: nobody reads for 8 s: {sent} requests taken, peak memory +{grown} KiB");
    assert!(grown <= 4 * 1024, "{grown} KiB");
    // The reader appears after all, and the input ends: every complete request is answered.
    let reading = tokio::spawn(async move {
        let mut lines = 0;
        let mut chunk = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = output.read(&mut chunk).await {
            lines += chunk[..count].iter().filter(|byte| **byte == b'\n').count();
        }
        lines
    });
    drop(input);
    let answered = tokio::time::timeout(PATIENCE, reading)
        .await
        .unwrap()
        .unwrap();
    assert!(answered > sent, "{answered} answers to {sent} requests");
}

#[tokio::test]
async fn calls_that_wait_for_the_backend_are_bounded_and_every_one_is_answered() {
    let backend = DevBackend::start(Options::new().keep_requests(0)).unwrap();
    let mut server = quiet_setup().backend(&backend).start();
    let mut host = Host::initialized(&mut server).await;
    host.login(&TestToken::new("ada").encode(), "ws-1").await;
    let held = backend.hold(Route::Usage);
    let before = ProcessStatus::of(server.pid());
    let (first, count, most) = (1_000_000, 20_000, 12_288);
    let mut told = Vec::new();
    for id in first..first + i64::try_from(count).unwrap() {
        host.send(&json!({"id": id, "method": "account/rateLimits/read"}))
            .await;
        if id % 500 == 0 {
            told.extend(host.quiet_for(Duration::ZERO).await);
        }
    }
    let read = host.request("account/read", json!({})).await;
    assert!(read.is_ok(), "{read:?}");
    let after = ProcessStatus::of(server.pid());
    let grown = after.resident_peak - before.resident;
    println!("{most} calls wait for the backend: peak memory +{grown} KiB");
    assert!(grown <= 64 * 1024, "{grown} KiB");
    held.release();
    host.close_input();
    told.extend(host.rest().await);
    let ids: HashSet<_> = told
        .iter()
        .filter_map(|message| message["id"].as_i64())
        .collect();
    assert_eq!((ids.len(), told.len()), (count, count), "each once");
    let overloaded = told
        .iter()
        .filter(|message| message["error"]["data"]["kind"] == "overloaded");
    assert_eq!(overloaded.count(), count - most);
    let served = told.iter().filter(|message| message["result"].is_object());
    println!(
        "and {} of them are served within the time to drain",
        served.count()
    );
}
