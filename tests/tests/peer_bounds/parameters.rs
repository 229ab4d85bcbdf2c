//! Parameters of requests: long ones, and lists of many elements.

use std::time::Duration;

use byokey_tests::ProcessStatus;
use byokey_tests::listening::introduce;
use byokey_tests::turns::{MODEL, backend};
use serde_json::{Value, json};

use super::{LONG, MOST, Stage, repeated};

// Row: what one client may cost
#[tokio::test]
async fn parameters_cost_no_multiple_of_their_length() {
    let backend = backend();
    let long = "x".repeat(LONG);
    let capabilities = |list: &str| {
        json!({
            "clientInfo": {"name": "x", "version": "1"},
            "capabilities": {"optOutNotificationMethods": repeated(list)},
        })
    };
    let thread = |member: &str, value: Value| json!({"model": MODEL, member: value});
    let (start, turn) = ("thread/start", "turn/start");
    for (what, method, params) in [
        ("folders", "skills/list", json!({"cwds": repeated("\"\"")})),
        ("a long folder", "skills/list", json!({"cwds": [long]})),
        (
            "a cursor",
            "permissionProfile/list",
            json!({"cursor": long}),
        ),
        (
            "a client name",
            "initialize",
            json!({"clientInfo": {"name": long, "version": "1"}}),
        ),
        ("opt-outs", "initialize", capabilities("\"\"")),
        (
            "settings",
            start,
            thread("config", json!({"a": repeated("1")})),
        ),
        ("tools", start, thread("dynamicTools", repeated("[]"))),
        ("a sandbox", start, thread("sandbox", repeated("{}"))),
        (
            "instructions",
            start,
            thread("baseInstructions", json!(long)),
        ),
        (
            "configured instructions",
            start,
            thread(
                "config",
                json!({"developer_instructions": "\u{1}".repeat(600_000)}),
            ),
        ),
        ("a model", start, thread("model", json!(long))),
        (
            "a history",
            "thread/resume",
            json!({"threadId": "x", "history": repeated("1")}),
        ),
        (
            "inputs",
            turn,
            json!({"threadId": "x", "input": repeated(r#"{"type":"image"}"#)}),
        ),
        (
            "marks",
            turn,
            json!({"threadId": "x", "input": [{"type": "text", "text": "", "text_elements": repeated("1")}]}),
        ),
        (
            "marks of many inputs",
            turn,
            json!({"threadId": "x", "input": vec![json!({"type": "text", "text": "", "text_elements": vec![1; 3900]}); 509]}),
        ),
        (
            "a schema",
            turn,
            json!({"threadId": "x", "input": [], "outputSchema": repeated("1")}),
        ),
        (
            "a token",
            "account/login/start",
            json!({"type": "apiKey", "apiKey": long}),
        ),
        (
            "a login id",
            "account/login/cancel",
            json!({"loginId": long}),
        ),
        (
            "an address",
            "account/login/complete",
            json!({"loginId": "x", "redirectUrl": long}),
        ),
    ] {
        let mut stage = Stage::set(&backend).await;
        let mut stranger = stage.listening.unix_stranger();
        let host = if method == "initialize" {
            &mut stranger
        } else {
            &mut stage.host
        };
        // An answer of any length would take too long to be read here.
        let answer = tokio::select! {
            answer = host.request(method, params) => Some(answer),
            () = too_large(stage.listening.server.pid(), stage.before.resident) => None,
        };
        if let Some(Err(refused)) = &answer {
            // It would be too large again later.
            assert_ne!(refused.kind(), "overloaded", "{what}");
            assert!(
                refused.message.len() < 300,
                "{what}: {}",
                refused.message.len()
            );
        }
        if answer.is_some() {
            stage.host.request("account/read", json!({})).await.unwrap();
        }
        stage.check(&format!("4 MB of {what}"));
    }
}

/// Waits until the memory of the process has grown too much.
async fn too_large(pid: u32, before: u64) {
    while ProcessStatus::of(pid).resident_peak.saturating_sub(before) <= MOST {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn opting_out_works_however_long_the_list_is() {
    let backend = backend();
    let stage = Stage::set(&backend).await;
    let mut names = vec!["made-up/name"; 200_000];
    names.push("account/updated");
    let mut other = stage.listening.unix_stranger();
    introduce(&mut other, json!({"optOutNotificationMethods": names})).await;
    let kept = ProcessStatus::of(stage.listening.server.pid());
    stage.check("200,000 opt-outs");
    assert!(kept.resident_peak < stage.before.resident + MOST);
    let mut host = stage.host;
    host.request("account/logout", json!(null)).await.unwrap();
    let told = other.quiet_for(Duration::from_millis(100)).await;
    assert!(told.is_empty(), "{told:?}");
}
