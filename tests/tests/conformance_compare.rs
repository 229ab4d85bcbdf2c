//! The comparison with codex detects differences.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use byokey_tests::conformance::compare::compare;
use byokey_tests::conformance::difference::Kind;
use byokey_tests::conformance::recording::{Said, Transcript, recording};
use byokey_tests::conformance::rules::{Judgement, Rules};
use serde_json::{Value, json};

fn turn() -> Transcript {
    recording(byokey_protocol::CODEX_LEVEL, "turn_ok").unwrap()
}

/// Returns the places of the differences between a recording and its changed copy.
fn places_after(change: impl FnOnce(&mut Transcript)) -> Vec<String> {
    let codex = turn();
    let mut ours = codex.clone();
    change(&mut ours);
    let found = compare("turn_ok", &codex, &ours);
    found.into_iter().map(|difference| difference.at).collect()
}

/// Returns the place of the server's first message with that method.
fn place(transcript: &Transcript, method: &str) -> usize {
    let is_it = |said: &Said| matches!(said, Said::Server(it) if it["method"] == method);
    transcript.exchange.iter().position(is_it).unwrap()
}

fn message<'a>(transcript: &'a mut Transcript, method: &str) -> &'a mut Value {
    let place = place(transcript, method);
    match &mut transcript.exchange[place] {
        Said::Client(message) | Said::Server(message) => message,
    }
}

#[test]
fn a_recording_does_not_differ_from_itself() {
    assert!(places_after(|_| {}).is_empty());
}

#[test]
fn a_missing_message_is_found() {
    let places = places_after(|ours| {
        let place = place(ours, "account/updated");
        ours.exchange.remove(place);
    });
    assert_eq!(places, ["account/updated"]);
}

#[test]
fn an_additional_message_is_found() {
    let places = places_after(|ours| {
        let place = place(ours, "turn/completed");
        ours.exchange.push(ours.exchange[place].clone());
    });
    assert_eq!(places, ["turn/completed"]);
}

#[test]
fn another_order_within_a_thread_is_found() {
    let places = places_after(|ours| {
        let place = place(ours, "thread/tokenUsage/updated");
        ours.exchange.swap(place, place - 1);
    });
    assert_eq!(places.len(), 2, "{places:?}");
}

#[test]
fn an_answer_behind_its_notification_is_found() {
    let places = places_after(|ours| {
        let place = place(ours, "account/login/completed");
        ours.exchange.swap(place, place - 1);
    });
    assert_eq!(places.len(), 2, "{places:?}");
}

#[test]
fn the_order_of_things_that_happen_beside_each_other_does_not_count() {
    let places = places_after(|ours| {
        let place = place(ours, "account/rateLimits/updated");
        ours.exchange.swap(place, place - 1);
    });
    assert!(places.is_empty(), "{places:?}");
}

#[test]
fn other_missing_and_additional_members_are_found() {
    let places = places_after(|ours| {
        let params = &mut message(ours, "account/updated")["params"];
        *params = json!({"authMode": "apikey", "reason": null, "more": 1});
    });
    assert_eq!(
        places,
        [
            "account/updated params.authMode",
            "account/updated params.planType",
            "account/updated params.more",
        ]
    );
}

#[test]
fn an_id_stands_for_one_other_throughout() {
    let renamed = places_after(|ours| {
        for said in &mut ours.exchange {
            let (Said::Client(message) | Said::Server(message)) = said;
            let text = message.to_string().replace("<uuid:3>", "<uuid:9>");
            *message = serde_json::from_str(&text).unwrap();
        }
    });
    assert!(renamed.is_empty(), "{renamed:?}");
    let mixed_up = places_after(|ours| {
        message(ours, "turn/completed")["params"]["turn"]["id"] = "<uuid:2>".into();
    });
    assert_eq!(mixed_up, ["turn/completed params.turn.id"]);
}

#[test]
fn addresses_are_compared_by_their_parameters() {
    let address = |query: &str| json!({"authUrl": format!("https://issuer.example/a?{query}")});
    let places = |theirs: &str, ours: &str| {
        let (mut codex, mut our) = (turn(), turn());
        message(&mut codex, "account/updated")["params"] = address(theirs);
        message(&mut our, "account/updated")["params"] = address(ours);
        let found = compare("turn_ok", &codex, &our);
        let places = found.into_iter().map(|difference| difference.at);
        places.collect::<Vec<_>>()
    };
    assert!(places("a=1+2&b=3", "b=3&a=1%202").is_empty());
    let expected = ["account/updated params.authUrl.a"];
    assert_eq!(places("a=1&b=3", "a=2&b=3"), expected);
}

#[test]
fn requests_to_the_backend_count() {
    let places = places_after(|ours| {
        ours.backend[2]["authorization"] = Value::Null;
        ours.backend.remove(0);
    });
    let expected = ["backend accountsCheck", "backend responses authorization"];
    assert_eq!(places, expected);
}

#[test]
fn waiting_in_vain_and_another_end_count() {
    let places = places_after(|ours| {
        ours.stuck.push("turn/completed".to_owned());
        ours.exit = Some(1);
    });
    assert_eq!(places, ["turn/completed", "exit"]);
}

#[test]
fn a_rule_explains_its_own_differences_and_no_others() {
    let rules: Rules = serde_json::from_value(json!({
        "about": "",
        "older": [],
        "rules": [
            {"row": 1, "differs": "account/updated params.*", "codex": "p*", "ours": "plus"},
            {"row": 2, "codexOnly": "account/updated", "scenarios": ["another"]},
            {"row": 3, "version": "0.98.0", "differs": "account/updated params.authMode"},
        ],
    }))
    .unwrap();
    let codex = turn();
    let mut ours = codex.clone();
    message(&mut ours, "account/updated")["params"] =
        json!({"authMode": "apikey", "planType": "plus", "reason": null});
    let found = compare("turn_ok", &codex, &ours);
    let mut judgement = rules.judge(&found);
    let unexplained = &judgement.unexplained;
    assert_eq!(unexplained.len(), 1);
    assert_eq!(unexplained[0].at, "account/updated params.authMode");
    let is_difference = matches!(unexplained[0].kind, Kind::Differs { .. });
    assert!(is_difference);
    let idle = |judgement: &Judgement<'_>| -> Vec<_> {
        let idle = rules.idle(judgement).into_iter();
        idle.filter_map(|rule| rule.row).collect()
    };
    assert_eq!(idle(&judgement), [2, 3]);
    // A rule of an older version explains nothing of the newest.
    rules.judge_further(&mut judgement, &found, Some("0.98.0"));
    assert_eq!(judgement.unexplained.len(), 1);
    assert_eq!(idle(&judgement), [2]);
}
