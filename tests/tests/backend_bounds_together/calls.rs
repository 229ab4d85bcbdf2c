//! Short calls.

use byokey_dev_backend::Route;
use byokey_tests::Refused;
use serde_json::{Value, json};

use super::{CALLS, LONG, Stage, WAYS, assert_no_room, of_route, settled};

/// Makes that many calls at once, waits until nothing more arrives, and returns the failures.
async fn storm(stage: &mut Stage, what: &str, step: &Value) -> Vec<Refused> {
    stage.backend.set_script(of_route(Route::Usage, step));
    stage.backend.clear_requests();
    let mut calls = Vec::new();
    for _ in 0..CALLS {
        let [host, _] = &mut stage.hosts;
        calls.push(host.start("account/rateLimits/read", json!({})).await);
    }
    stage.backend.wait_for(Route::Usage, CALLS).await;
    settled(stage.listening.server.pid()).await;
    stage.check(what);
    let mut failures = Vec::new();
    for call in calls {
        failures.push(stage.hosts[0].answer(call).await.unwrap_err());
    }
    failures
}

#[tokio::test]
async fn unfinished_documents_of_many_calls_share_their_room() {
    for way in WAYS {
        let mut stage = Stage::set(way).await;
        let unfinished = json!({"endless": "body", "endlessBytes": LONG, "repeat": 0});
        let failures = storm(&mut stage, "64 unfinished documents of 3.8 MB", &unfinished).await;
        let without_room = failures.iter().filter(|it| it.kind() == "overloaded");
        assert!(without_room.count() >= CALLS - 3, "{failures:?}");
        for failure in failures.iter().filter(|it| it.kind() != "retryable") {
            let message = json!({"message": failure.message});
            assert_no_room(&message, &failure.data["kind"]);
        }
        stage.is_as_before().await;
    }
}

#[tokio::test]
async fn error_bodies_of_many_calls_share_their_room() {
    for way in WAYS {
        let mut stage = Stage::set(way).await;
        let unfinished =
            json!({"endless": "body", "endlessBytes": 60_000, "status": 400, "repeat": 0});
        let failures = storm(&mut stage, "64 unfinished error bodies", &unfinished).await;
        for failure in failures {
            assert_eq!(failure.data["status"], 400, "{failure:?}");
        }
        stage.is_as_before().await;
    }
}

#[tokio::test]
async fn hundreds_of_ordinary_calls_at_once_do_not_meet_the_limit() {
    for way in WAYS {
        let mut stage = Stage::set(way).await;
        let mut calls = Vec::new();
        for at in 0..600 {
            let host = at % 2;
            let call = stage.hosts[host].start("account/usage/read", json!({}));
            calls.push((host, call.await));
        }
        let mut answered = 0;
        for (host, call) in calls {
            match stage.hosts[host].answer(call).await {
                Ok(_) => answered += 1,
                // A slow machine needs longer than their deadline.
                Err(late) => assert_eq!(late.kind(), "retryable", "{late:?}"),
            }
        }
        println!("figure: {answered} of 600 ordinary calls were answered in time");
        assert!(answered >= CALLS, "{answered}");
        stage.check("600 ordinary calls");
    }
}

#[tokio::test]
async fn heads_of_many_answers_are_bounded() {
    for way in WAYS {
        let mut stage = Stage::set(way).await;
        let long = "x".repeat(300_000);
        let step = json!({"headers": {"x-long": long}, "repeat": 0});
        let failures = storm(&mut stage, "64 heads of 300 kB", &step).await;
        for failure in failures {
            assert_eq!(failure.kind(), "answerTooLarge", "{failure:?}");
        }
        stage.is_as_before().await;
    }
}
