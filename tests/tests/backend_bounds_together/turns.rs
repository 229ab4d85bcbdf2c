//! Turns.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use byokey_dev_backend::Route;
use byokey_tests::turns::begin_turn;
use byokey_tests::{Host, PATIENCE};
use serde_json::{Value, json};

use super::{LONG, Stage, TURNS, WAYS, assert_no_room, of_route, settled};

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

/// Turns of each client that have ended.
type Ended = [Vec<Value>; 2];

/// Reads what comes to one client, without an end, and keeps the turns that end.
async fn read(host: &mut Host, ended: &RefCell<Ended>, of: usize) {
    loop {
        let messages = host.quiet_for(Duration::from_millis(20)).await;
        let turns = messages
            .into_iter()
            .filter(|message| message["method"] == "turn/completed")
            .map(|mut message| message["params"]["turn"].take());
        ended.borrow_mut()[of].extend(turns);
    }
}

/// Both clients read as long as something is waited for: one that does not, while others need room,
/// is disconnected.
async fn while_both_read(
    hosts: &mut [Host; 2],
    ended: &RefCell<Ended>,
    wait: impl Future<Output = ()>,
) {
    let [one, other] = hosts;
    tokio::select! {
        () = read(one, ended, 0) => {}
        () = read(other, ended, 1) => {}
        () = wait => {}
    }
}

/// Waits until so many turns of each client have ended.
async fn have_ended(ended: &RefCell<Ended>, count: usize) {
    let begun = Instant::now();
    while ended.borrow().iter().any(|of_one| of_one.len() < count) {
        let lengths = ended.borrow().each_ref().map(Vec::len);
        assert!(begun.elapsed() < PATIENCE, "{lengths:?} of {count} ended");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits for so many ends of turns of each client.
async fn all_ends(stage: &mut Stage, count: usize) -> Vec<Value> {
    let ended = RefCell::default();
    while_both_read(&mut stage.hosts, &ended, have_ended(&ended, count)).await;
    ended.into_inner().concat()
}

/// Asks for the end of turns. One that has ended is refused.
async fn interrupt(host: &mut Host, begun: Vec<Value>) {
    for turn in begun {
        let _ = host.request("turn/interrupt", turn).await;
    }
}

/// Runs turns with answers of which only so many have room; the others fail for the lack of it.
async fn storm(stage: &mut Stage, what: &str, step: &Value, with_room: usize) {
    let begun = begin(stage, step).await;
    let ended = RefCell::default();
    let pid = stage.listening.server.pid();
    let wait = async {
        have_ended(&ended, TURNS - with_room).await;
        settled(pid).await;
    };
    while_both_read(&mut stage.hosts, &ended, wait).await;
    for ended in ended.borrow().iter().flatten() {
        assert_no_room(&ended["error"], &ended["error"]["kind"]);
    }
    stage.check(what);
    for (host, begun) in stage.hosts.iter_mut().zip(begun) {
        interrupt(host, begun).await;
    }
    while_both_read(&mut stage.hosts, &ended, have_ended(&ended, TURNS)).await;
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
        settled(stage.listening.server.pid()).await;
        stage.check("96 turns with rate limits of 7,000 ids each");
        for (host, begun) in stage.hosts.iter_mut().zip(begun) {
            interrupt(host, begun).await;
        }
        all_ends(&mut stage, TURNS).await;
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
