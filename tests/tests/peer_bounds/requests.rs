//! What waits for an answer: logins, turns and requests.

use std::time::Instant;

use byokey_dev_backend::Route;
use byokey_tests::Setup;
use byokey_tests::issuer::{Ask, Issuer};
use byokey_tests::turns::backend;
use serde_json::json;

use super::{LONG, Stage, is_overloaded, many, places, thread};

#[tokio::test]
async fn pending_token_logins_are_few_and_the_rest_is_refused() {
    let issuer = Issuer::start().await;
    let _gate = issuer.hold(Ask::Whoami);
    let mut stage = Stage::signed_out(issuer.set_up(Setup::default())).await;
    stage.listening.server.canaries.add_for_test("at-made-up");
    let login = json!({"type": "personalAccessToken", "accessToken": "at-made-up"});
    let ask = |id: &str| json!({"id": id, "method": "account/login/start", "params": login});
    const PLACES: usize = 16;
    let begun = Instant::now();
    let (mut count, mut waiting, mut taken) = (0, PLACES, PLACES);
    while count < 3000 {
        // Fewer than the answers that may wait unread.
        let ids: Vec<_> = (count..count + 300)
            .map(|id| format!("login-{id}"))
            .collect();
        let asked: String = ids.iter().map(|id| format!("{}\n", ask(id))).collect();
        stage.host.send_raw(asked.as_bytes()).await;
        count += ids.len();
        if waiting > 0 {
            issuer.wait_for(Ask::Whoami, waiting).await;
            stage.others_are_served().await;
            assert!(stage.open("300 pending token logins") <= 24);
        }
        for id in ids.into_iter().skip(waiting) {
            let answer = stage.host.answer(id).await;
            taken += usize::from(!is_overloaded(&answer));
        }
        waiting = 0;
    }
    let (asked, most) = (issuer.asked(Ask::Whoami).len(), places(PLACES, begun));
    assert!(taken <= most && asked <= most, "{taken} {asked} {most}");
    assert!(stage.open("3,000 pending token logins") <= 24);
    stage.others_are_served().await;
    stage.check("3,000 pending token logins");
    // What needs no answer of the issuer is done all the same.
    stage.host.request("account/read", json!({})).await.unwrap();
}

// Row: what one client may cost
#[tokio::test]
async fn turns_in_progress_are_few_and_the_rest_is_refused() {
    let backend = backend();
    let gate = backend.hold(Route::Responses);
    let mut stage = Stage::set(&backend).await;
    let mut begun = Vec::new();
    for _ in 0..1500 {
        let thread = thread(&mut stage.host, 0).await;
        let input = json!([{"type": "text", "text": "Hello"}]);
        let turn = json!({"threadId": thread, "input": input});
        begun.push(stage.host.request("turn/start", turn).await);
    }
    let accepted = begun.iter().filter(|turn| turn.is_ok()).count();
    let open = stage.open("1,500 turns");
    assert_eq!(accepted, 64);
    assert!(begun.iter().all(|turn| turn.is_ok() || is_overloaded(turn)));
    assert!(open <= 72);
    stage.others_are_served().await;
    stage.check("1,500 turns");
    gate.release();
    for _ in 0..accepted {
        let ended = stage.host.notification("turn/completed").await;
        assert_eq!(ended["turn"]["status"], "completed");
    }
}

#[tokio::test]
async fn requests_in_flight_are_bounded_in_number_and_in_length() {
    let backend = backend();
    let gate = backend.hold(Route::Models);
    let mut stage = Stage::set(&backend).await;
    // One of them is as much as may wait.
    let long = json!({"x": "x".repeat(LONG)});
    let calls = many(&mut stage.host, 1, 5, "model/list", long).await;
    stage.check("5 requests of 4 MB in flight");
    gate.release();
    for call in calls {
        // On a slow machine their deadline may have passed.
        drop(stage.host.answer(call).await);
    }
    let gate = backend.hold(Route::Usage);
    let method = "account/rateLimits/read";
    let calls = many(&mut stage.host, 512, 612, method, json!({})).await;
    stage.check("612 requests in flight");
    gate.release();
    for call in calls {
        drop(stage.host.answer(call).await);
    }
}

// Row: what one client may cost
#[tokio::test]
async fn a_long_request_that_is_refused_leaves_its_room_to_others() {
    let backend = backend();
    let mut stage = Stage::set(&backend).await;
    let mut idle = stage.listening.unix_host().await;
    let long = "x".repeat(LONG);
    let start = json!({"baseInstructions": &long});
    let refused = idle.request("thread/start", start).await;
    assert!(refused.is_err() && !is_overloaded(&refused), "{refused:?}");
    let answer = stage.host.request("model/list", json!({"x": long})).await;
    assert!(!is_overloaded(&answer), "{answer:?}");
}
