//! Turns.

use std::time::Duration;

use byokey_dev_backend::Route;
use byokey_tests::Host;
use byokey_tests::turns::begin_turn;
use serde_json::{Value, json};

use super::{LONG, Stage, TURNS, WAYS, assert_no_room, of_route};

/// Begins that many turns with each of the clients. Their answers begin together.
async fn begin(stage: &mut Stage, step: &Value) -> [Vec<Value>; 2] {
    let gate = stage.backend.hold(Route::Responses);
    stage.backend.set_script(of_route(Route::Responses, step));
    let mut begun = [Vec::new(), Vec::new()];
    for (host, begun) in stage.hosts.iter_mut().zip(&mut begun) {
        for _ in 0..TURNS {
            begun.push(begin_turn(host).await);
        }
    }
    gate.wait_for(2 * TURNS).await;
    begun
}

/// Waits for the ends of turns.
async fn ends(host: &mut Host, count: usize) -> Vec<Value> {
    let mut ends = Vec::new();
    for _ in 0..count {
        let mut ended = host.notification("turn/completed").await;
        ends.push(ended["turn"].take());
    }
    ends
}

/// Reads until nothing more comes. Returns how many turns have ended meanwhile.
async fn reads(host: &mut Host) -> usize {
    let mut ended = 0;
    loop {
        let seen = host.quiet_for(Duration::from_secs(1)).await;
        if seen.is_empty() {
            return ended;
        }
        let is_end = |message: &&Value| message["method"] == "turn/completed";
        ended += seen.iter().filter(is_end).count();
    }
}

/// Interrupts the turns that have not ended, and waits for the ends of so many.
async fn interrupt(host: &mut Host, begun: Vec<Value>, count: usize) {
    for turn in begun {
        // One that has ended is refused.
        let _ = host.request("turn/interrupt", turn).await;
    }
    ends(host, count).await;
}

/// Waits for so many ends of turns of each client. Both read all the time.
async fn all_ends(stage: &mut Stage, count: usize) -> Vec<Value> {
    let [one, other] = &mut stage.hosts;
    let (one, other) = tokio::join!(ends(one, count), ends(other, count));
    [one, other].concat()
}

/// Runs turns with answers of which only so many have room; the others fail for the lack of it.
async fn storm(stage: &mut Stage, what: &str, step: &Value, with_room: usize) {
    let begun = begin(stage, step).await;
    for ended in all_ends(stage, TURNS - with_room).await {
        assert_no_room(&ended["error"], &ended["error"]["kind"]);
    }
    // Both read all the time: one that does not, while others need room, is disconnected.
    let [one, other] = &mut stage.hosts;
    let (ended_one, ended_other) = tokio::join!(reads(one), reads(other));
    stage.settled().await;
    stage.check(what);
    let [one, other] = &mut stage.hosts;
    let [of_one, of_other] = begun;
    tokio::join!(
        interrupt(one, of_one, with_room - ended_one),
        interrupt(other, of_other, with_room - ended_other)
    );
    stage.is_as_before().await;
}

#[tokio::test]
async fn turns_that_wait_for_their_answer_cost_little() {
    for way in WAYS {
        let mut stage = Stage::set(way).await;
        begin(&mut stage, &json!({"text": ["Yes."], "repeat": 0})).await;
        stage.check("96 turns that wait");
        for ended in all_ends(&mut stage, TURNS).await {
            assert_eq!(ended["status"], "completed");
        }
        stage.check("96 turns that wait, and their answers");
    }
}

#[tokio::test]
async fn unfinished_lines_of_many_turns_share_their_room() {
    let mut stage = Stage::set(None).await;
    let step = json!({"endless": "line", "endlessBytes": LONG, "repeat": 0});
    storm(&mut stage, "96 unfinished lines of 3.8 MB", &step, 2).await;
}

/// Returns the event that ends a message.
fn message(text: &str, number: usize) -> Value {
    json!({"type": "response.output_item.done", "item": {"type": "message",
        "role": "assistant", "id": format!("msg-{number}"),
        "content": [{"type": "output_text", "text": text}]}})
}

#[tokio::test]
async fn texts_of_many_turns_share_their_room() {
    for pieces in [1, 100] {
        let mut stage = Stage::set(None).await;
        let text = "x".repeat(1_000_000 / pieces);
        let events: Vec<_> = (0..pieces).map(|it| message(&text, it)).collect();
        let step = json!({"events": events, "hang": true, "repeat": 0});
        let what = format!("96 texts of 1 MB in {pieces} messages");
        storm(&mut stage, &what, &step, 3).await;
    }
}

#[tokio::test]
async fn rate_limits_of_many_turns_are_bounded() {
    for way in WAYS {
        let mut stage = Stage::set(way).await;
        let step = json!({"endless": "rateLimits", "endlessBytes": 1_000_000, "repeat": 0});
        let begun = begin(&mut stage, &step).await;
        stage.settled().await;
        stage.check("96 turns with rate limits of 7,000 ids each");
        for (host, begun) in stage.hosts.iter_mut().zip(begun) {
            for turn in begun {
                host.request("turn/interrupt", turn).await.unwrap();
            }
            ends(host, TURNS).await;
        }
        stage.is_as_before().await;
    }
}

#[tokio::test]
async fn many_turns_with_ordinary_texts_do_not_meet_the_limit() {
    for way in WAYS {
        let mut stage = Stage::set(way).await;
        let text = vec!["A line of an ordinary answer, with some code.\n"; 300];
        begin(&mut stage, &json!({"text": text, "repeat": 0})).await;
        for ended in all_ends(&mut stage, TURNS).await {
            assert_eq!(ended["status"], "completed", "{ended}");
        }
        stage.check("96 turns with texts of 14 kB");
    }
}
