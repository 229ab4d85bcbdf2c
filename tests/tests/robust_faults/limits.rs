//! F8: no more descriptors, no more memory.

use std::time::Duration;

use byokey_dev_backend::Route;
use byokey_tests::{Host, Setup};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{LIMITS, Stage};

#[tokio::test]
async fn sixteen_descriptors_are_enough_for_one_call_after_another() {
    let mut stage = Stage::with(Setup::default().after("ulimit -n 16")).await;
    for _ in 0..20 {
        let limits = stage.host.request(LIMITS, json!({})).await;
        assert!(limits.is_ok(), "{limits:?}");
    }
}

// Row: few descriptors, little memory
#[tokio::test]
async fn with_too_few_descriptors_calls_fail_by_name_and_the_others_do_not() {
    let mut stage = Stage::with(Setup::default().after("ulimit -n 16")).await;
    let held = stage.backend.hold(Route::Usage);
    let mut calls = Vec::new();
    for _ in 0..50 {
        calls.push(stage.host.start(LIMITS, json!({})).await);
    }
    // Those that found a descriptor keep it until one without has failed.
    let refused = loop {
        let message = stage.host.next().await.unwrap();
        if message["id"].is_i64() {
            break message;
        }
    };
    assert_eq!(refused["error"]["data"]["kind"], "retryable", "{refused}");
    held.release();
    calls.retain(|call| refused["id"] != *call);
    for call in calls {
        if let Err(refused) = stage.host.answer(call).await {
            assert_eq!(refused.kind(), "retryable", "{refused:?}");
        }
    }
    let read = stage.host.request("account/read", json!({})).await;
    assert!(read.is_ok(), "{read:?}");
    let again = stage.host.request(LIMITS, json!({})).await;
    assert!(again.is_ok(), "{again:?}");
}

// Row: few descriptors, little memory
#[tokio::test]
async fn with_hardly_any_descriptors_it_says_so_or_serves() {
    let mut served = 0;
    for count in 3..=20 {
        let setup = Setup::default().after(&format!("ulimit -n {count}"));
        let mut server = setup.start();
        let (mut input, mut output) = server.pipes();
        // A server that has exited does not read.
        drop(
            input
                .write_all(
                    b"{\"id\":0,\"method\":\"initialize\",\"params\":{\"clientInfo\":\
                      {\"name\":\"test-host\",\"version\":\"1.0\"}}}\n",
                )
                .await,
        );
        drop(input);
        let mut text = String::new();
        output.read_to_string(&mut text).await.unwrap();
        let code = server.exit_code().await;
        if text.is_empty() {
            // 127: the program itself could not be loaded.
            assert!(matches!(code, Some(2 | 127)), "{count}: {code:?}");
            let log = server.whole_log().await;
            assert!(!log.is_empty(), "{count}");
        } else {
            assert_eq!(code, Some(0), "{count}");
            assert!(text.ends_with("}\n"), "{count}: {text}");
            served += 1;
        }
    }
    assert!(served > 0, "some of them are enough");
}

// Row: few descriptors, little memory
#[tokio::test]
async fn little_memory_is_enough_whatever_the_peer_sends() {
    // The program, its stacks and its allocator's reserves fit; 100 MiB of one line would not.
    let setup = Setup::default()
        .after("ulimit -v 163840")
        .environment("RUST_LOG", "warn");
    let mut server = setup.start();
    let mut host = Host::initialized(&mut server).await;
    let chunk = vec![b'x'; 1 << 20];
    for _ in 0..100 {
        host.send_raw(&chunk).await;
    }
    host.send_raw(b"\n").await;
    let read = host.request("account/read", json!({})).await;
    assert!(read.is_ok(), "{read:?}");
    let told = host.quiet_for(Duration::ZERO).await;
    assert_eq!(told[0]["error"]["data"]["kind"], "messageTooLong");
}
