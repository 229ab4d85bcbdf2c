//! What the transcripts of the suite do not cover: start, exit, events, and secrets.

#![cfg(unix)]

mod made_up;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use byokey_client::{ByokeyClient, ByokeyError, Event, SpawnOptions, tokens};
use byokey_tests::byokey;
use serde_json::json;
use tokio::time::timeout;

use crate::made_up::{TOKEN, error, gone, options, python, run, spawn, supply};

/// Timeout of the server's exit after its client was closed.
const CLOSING_TAKES: Duration = Duration::from_secs(3);

#[test]
fn the_real_server_describes_itself() {
    // Without the test's timeout: it may have to be built.
    let program = byokey();
    run(async {
        let options = SpawnOptions::new("test", "1", supply).command(program);
        let client = ByokeyClient::spawn(options).await.unwrap();
        let info = client.server().server_info.as_ref();
        assert_eq!(info.unwrap().name, "byokey");
        assert!(client.read_account().await.unwrap().account.is_none());
        client.close().await;
        assert!(client.closed().await.unwrap().success());
    });
}

#[test]
fn a_program_that_is_not_there_is_named() {
    run(async {
        let options = SpawnOptions::new("test", "1", supply).command("/not/there");
        let error = error(ByokeyClient::spawn(options).await);
        assert!(matches!(error, ByokeyError::ServerNotFound { .. }));
        assert!(error.to_string().contains("/not/there"));
    });
}

#[test]
fn a_program_that_is_no_server_is_no_hanging_spawn() {
    run(async {
        let error = error(ByokeyClient::spawn(python("raise SystemExit(7)")).await);
        let ByokeyError::ConnectionClosed { status, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(status.unwrap().code(), Some(7));
    });
}

#[test]
fn environment_folder_and_log_are_those_of_the_process() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&log);
        let path = std::env::var("PATH").unwrap();
        let options = options(&[
            "print(os.environ['COLOUR'], os.getcwd(), file=sys.stderr)",
            "print('x' * 200_000, file=sys.stderr, flush=True)",
            "ask()",
        ])
        .environment([("COLOUR", "green".to_owned()), ("PATH", path)])
        .working_directory(folder.path())
        .on_log(move |line| lines.lock().unwrap().push(line));
        let client = ByokeyClient::spawn(options).await.unwrap();
        while log.lock().unwrap().len() < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let place = folder.path().canonicalize().unwrap();
        let place = format!("green {}", place.display());
        assert_eq!(*log.lock().unwrap(), [place, "x".repeat(200_000)]);
        client.close().await;
    });
}

#[test]
fn a_server_that_does_not_end_is_killed() {
    run(async {
        let client = spawn(&[
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
            "send(method='ready')",
            "while True: time.sleep(1)",
        ])
        .await;
        assert_eq!(client.events().next().await.unwrap().method(), "ready");
        timeout(CLOSING_TAKES, client.close()).await.unwrap();
        assert_eq!(client.closed().await.unwrap().code(), None);
        gone(client.pid().unwrap()).await;
    });
}

#[test]
fn dropping_the_client_kills_the_server() {
    run(async {
        let lines = [
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
            "while True: time.sleep(1)",
        ];
        let client = spawn(&lines).await;
        let process = client.pid().unwrap();
        // A watcher of the account keeps no server alive, not even with a request in flight.
        let mut account = client.account();
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(client);
        timeout(CLOSING_TAKES, gone(process)).await.unwrap();
        assert!(account.changed().await.is_err());
    });
}

#[test]
fn streams_end_with_the_connection() {
    run(async {
        let client = spawn(&["send(method='one')", "sys.exit(3)"]).await;
        let mut events = client.events();
        assert_eq!(events.next().await.unwrap().method(), "one");
        assert!(events.next().await.is_none());
        assert_eq!(client.closed().await.unwrap().code(), Some(3));
        assert!(client.events().next().await.is_none());
        let ByokeyError::ConnectionClosed { status, .. } = error(client.read_account().await)
        else {
            panic!("it is another error");
        };
        assert_eq!(status.unwrap().code(), Some(3));
    });
}

#[test]
fn a_server_that_closes_its_output_is_gone() {
    run(async {
        let client = spawn(&["os.close(1)", "while True: time.sleep(1)"]).await;
        let call = timeout(CLOSING_TAKES, client.read_account());
        let error = error(call.await.unwrap());
        assert!(matches!(error, ByokeyError::ConnectionClosed { .. }));
        let ended = timeout(CLOSING_TAKES, client.closed()).await;
        assert!(!ended.unwrap().unwrap().success(), "it had to be ended");
    });
}

#[test]
fn a_server_that_does_not_read_does_not_hold_up_the_end() {
    run(async {
        let client = spawn(&["while True: time.sleep(1)"]).await;
        let params = json!({"padding": "x".repeat(1_000_000)});
        let (call, closed) = tokio::join!(
            client.request_value("much", params),
            timeout(CLOSING_TAKES, client.close())
        );
        closed.unwrap();
        assert!(matches!(error(call), ByokeyError::ConnectionClosed { .. }));
    });
}

#[test]
fn a_dropped_call_is_cancelled_at_the_server() {
    run(async {
        let client = spawn(&[
            "first = ask(); cancel = ask()",
            "send(method='saw', params=[first['id'], cancel['method'], cancel['params']['id']])",
            "ask()",
        ])
        .await;
        let mut events = client.events();
        let given_up = timeout(Duration::from_millis(100), client.read_usage()).await;
        assert!(given_up.is_err());
        let saw = events.next().await.unwrap().params();
        assert_eq!(saw[1], "$/cancelRequest");
        assert_eq!(saw[0], saw[2]);
    });
}

#[test]
fn a_call_that_is_dropped_before_it_is_written_is_cancelled_too() {
    run(async {
        let client = spawn(&[
            "send(method='saw', params=[ask()['method'], ask()['method']])",
            "ask()",
        ])
        .await;
        let mut events = client.events();
        tokio::select! {
            biased;
            _ = client.read_usage() => panic!("nobody answers"),
            () = std::future::ready(()) => {}
        }
        let saw = events.next().await.unwrap().params();
        assert_eq!(saw, json!(["account/usage/read", "$/cancelRequest"]));
    });
}

#[test]
fn large_messages_come_whole_in_both_directions() {
    run(async {
        let client = spawn(&["m = ask(); send(id=m['id'], result=m['params'])", "ask()"]).await;
        let large = json!({"text": "\u{fc}".repeat(1_000_000)});
        let echo = client.request_value("anything", large.clone()).await;
        assert_eq!(echo.unwrap(), large);
    });
}

#[test]
fn nothing_that_the_server_writes_is_in_an_error() {
    run(async {
        let text = format!("text = '{TOKEN}'");
        let client = spawn(&[
            &text,
            "data = {'kind': text, 'path': 'a ' + text, 'requestId': text + '?', 'status': text}",
            "send(id=ask()['id'], error={'code': 1, 'message': text, 'data': data})",
            "send(id=ask()['id'], error=text)",
            "send(id=ask()['id'], result={'type': text})",
            "ask()",
        ])
        .await;
        let mut codes = Vec::new();
        for _ in 0..3 {
            let error = error(client.login(tokens(TOKEN, "ws-1")).await);
            assert!(!format!("{error} {error:?}").contains(TOKEN));
            codes.push(error.request().map(|it| it.code));
        }
        assert_eq!(codes, [Some(1), Some(-32603), None]);
    });
}

#[test]
fn nothing_from_the_start_is_missed() {
    run(async {
        let client = spawn(&[
            "send(method='early')",
            "send(method='account/updated', params={'authMode': 7, 'planType': 'galactic'})",
            "send(method='account/login/completed', params={'success': 'a text'})",
            "send(id=ask()['id'], result={})",
            "ask()",
        ])
        .await;
        client.request_value("anything", json!({})).await.unwrap();
        let mut events = client.events();
        let early = events.next().await.unwrap();
        assert!(matches!(&early, Event::Unknown { method, .. } if method == "early"));
        let Some(Event::AccountUpdated(account)) = events.next().await else {
            panic!("new words are no new event");
        };
        assert!(account.plan_type.unwrap().known().is_none());
        let unreadable = events.next().await.unwrap();
        assert!(matches!(unreadable, Event::Unknown { .. }));
        assert_eq!(unreadable.params(), json!({"success": "a text"}));
    });
}

#[test]
fn an_unread_stream_does_not_grow_for_ever() {
    run(async {
        let client = spawn(&[
            "m = ask()",
            "for n in range(100_001): send(method='many', params=n)",
            "send(id=m['id'], result={})",
            "ask()",
        ])
        .await;
        let mut slow = client.events();
        client.request_value("anything", json!({})).await.unwrap();
        let mut last = None;
        while let Some(event) = slow.next().await {
            if matches!(event, Event::Lost) {
                break;
            }
            last = Some(event.params());
        }
        assert_eq!(last, Some(json!(99_999)));
        assert!(slow.next().await.is_none());
    });
}
