//! Whatever one client does, it is bounded: in memory, in descriptors, and in what of it is kept.
//! Each test prints what the program grew by, in the gate the one that ships.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "figures are part of what a test tells")]

use std::time::{Duration, Instant};

use byokey_dev_backend::{DevBackend, Route, TestToken};
use byokey_tests::issuer::{Ask, Issuer};
use byokey_tests::listening::introduce;
use byokey_tests::turns::{MODEL, backend, script};
use byokey_tests::{Host, Listening, ProcessStatus, Refused, Setup, byokey_measured};
use serde_json::{Value, json};

/// What the memory may grow by, in KiB.
const MOST: u64 = 20 * 1024;
/// Nearly the longest message.
const LONG: usize = 4_000_000;

/// A server on a Unix socket with one host of it, signed in.
struct Stage {
    listening: Listening,
    host: Host,
    before: ProcessStatus,
    descriptors: usize,
}

impl Stage {
    async fn set(backend: &DevBackend) -> Self {
        let mut stage = Self::signed_out(Setup::default().backend(backend)).await;
        stage
            .host
            .login(&TestToken::new("ada").encode(), "ws-1")
            .await;
        stage
    }

    async fn signed_out(setup: Setup) -> Self {
        let listening = Listening::start(setup.program(byokey_measured()), "unix://").await;
        let mut host = listening.unix_host().await;
        // A message of this length comes first, so that the memory it is read into does not count.
        let ask =
            json!({"id": "warm", "method": "account/read", "params": {"x": "x".repeat(LONG)}});
        host.send(&ask).await;
        host.answer("warm").await.unwrap();
        let pid = listening.server.pid();
        Self {
            before: ProcessStatus::of(pid),
            descriptors: ProcessStatus::descriptors(pid),
            listening,
            host,
        }
    }

    /// Prints how much the memory has grown at most, and holds it to the limit.
    fn check(&self, what: &str) {
        let after = ProcessStatus::of(self.listening.server.pid());
        let grown = after.resident_peak.saturating_sub(self.before.resident);
        println!("figure: {what}: peak memory +{grown} KiB");
        assert!(grown <= MOST, "{what}: {grown} KiB");
    }

    fn open(&self, what: &str) -> usize {
        let now = ProcessStatus::descriptors(self.listening.server.pid());
        let open = now.saturating_sub(self.descriptors);
        println!("figure: {what}: +{open} descriptors");
        open
    }

    /// Another client is served meanwhile.
    async fn others_are_served(&self) {
        let mut other = self.listening.unix_host().await;
        other.request("account/read", json!({})).await.unwrap();
    }
}

/// Sends requests, of which so many may wait for their answers and the others may not. Returns the
/// ids of those that wait.
async fn many(
    host: &mut Host,
    waiting: usize,
    count: usize,
    method: &str,
    params: Value,
) -> Vec<i64> {
    let (begun, mut ids) = (Instant::now(), Vec::new());
    for _ in 0..waiting {
        ids.push(host.start(method, params.clone()).await);
    }
    for _ in waiting..count {
        let answer = host.request(method, params.clone()).await;
        if begun.elapsed() > Duration::from_secs(8) {
            // Those that wait have a deadline, after which there is room again.
            println!("skipped: this machine is too slow for the rest of the requests");
            break;
        }
        assert!(is_overloaded(&answer), "{answer:?}");
    }
    ids
}

fn is_overloaded(answer: &Result<Value, Refused>) -> bool {
    answer
        .as_ref()
        .is_err_and(|refused| refused.kind() == "overloaded")
}

/// A JSON text that repeats a piece up to the length of a long message.
fn repeated(piece: &str) -> Value {
    let count = LONG / (piece.len() + 1);
    let list = vec![piece; count].join(",");
    serde_json::from_str(&format!("[{list}]")).unwrap()
}

#[tokio::test]
async fn pending_token_logins_are_few_and_the_rest_is_refused() {
    let issuer = Issuer::start().await;
    let _gate = issuer.hold(Ask::Whoami);
    let mut stage = Stage::signed_out(issuer.set_up(Setup::default())).await;
    stage.listening.server.canaries.add_for_test("at-made-up");
    let login = json!({"type": "personalAccessToken", "accessToken": "at-made-up"});
    let ask = |id: &str| json!({"id": id, "method": "account/login/start", "params": login});
    let (begun, mut count, mut waiting) = (Instant::now(), 0, 16);
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
            if begun.elapsed() > Duration::from_secs(8) {
                // Those that wait have a deadline, after which there is room again.
                println!("skipped: this machine is too slow for 3,000 pending token logins");
                return;
            }
            assert!(is_overloaded(&answer), "{answer:?}");
        }
        waiting = 0;
    }
    assert!(stage.open("3,000 pending token logins") <= 24);
    stage.others_are_served().await;
    stage.check("3,000 pending token logins");
    // What needs no answer of the issuer is done all the same.
    stage.host.request("account/read", json!({})).await.unwrap();
}

// Row: what one client may cost
#[tokio::test]
async fn a_turn_that_is_refused_has_no_thread_forgotten() {
    let backend = backend();
    let gate = backend.hold(Route::Responses);
    let mut stage = Stage::set(&backend).await;
    let host = &mut stage.host;
    let busy = thread(host, 100_000).await;
    for _ in 0..3 {
        thread(host, 1_040_000).await;
    }
    let turn = |text: &str| {
        let input = json!([{"type": "text", "text": text}]);
        json!({"threadId": busy, "input": input})
    };
    host.request("turn/start", turn("Hello")).await.unwrap();
    let refused = host.request("turn/start", turn(&"x".repeat(1_040_000)));
    assert_eq!(refused.await.unwrap_err().kind(), "turnInProgress");
    let loaded = host.request("thread/loaded/list", json!({})).await.unwrap();
    assert_eq!(loaded["data"].as_array().unwrap().len(), 4);
    gate.release();
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
        let answer = host.request(method, params).await;
        if let Err(refused) = &answer {
            // It would be too large again later.
            assert_ne!(refused.kind(), "overloaded", "{what}");
            assert!(
                refused.message.len() < 300,
                "{what}: {}",
                refused.message.len()
            );
        }
        stage.host.request("account/read", json!({})).await.unwrap();
        stage.check(&format!("4 MB of {what}"));
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

#[tokio::test]
async fn requests_in_flight_are_bounded_in_number_and_in_length() {
    let backend = backend();
    let gate = backend.hold(Route::Models);
    let mut stage = Stage::set(&backend).await;
    // Two of them are as much as may wait.
    let long = json!({"x": "x".repeat(LONG)});
    let calls = many(&mut stage.host, 2, 5, "model/list", long).await;
    stage.check("5 requests of 4 MB in flight");
    gate.release();
    for call in calls {
        // On a slow machine their deadline may have passed.
        drop(stage.host.answer(call).await);
    }
    let gate = backend.hold(Route::Usage);
    let method = "account/rateLimits/read";
    let calls = many(&mut stage.host, 2048, 2148, method, json!({})).await;
    stage.check("2,148 requests in flight");
    gate.release();
    for call in calls {
        drop(stage.host.answer(call).await);
    }
}

/// Starts a thread with instructions of this length and returns its id.
async fn thread(host: &mut Host, instructions: usize) -> Value {
    let params = json!({"model": MODEL, "baseInstructions": "x".repeat(instructions)});
    let started = host.request("thread/start", params).await;
    started.unwrap()["thread"]["id"].take()
}

async fn say(host: &mut Host, thread: &Value, text: &str) -> Result<Value, Refused> {
    let input = json!([{"type": "text", "text": text}]);
    let turn = json!({"threadId": thread, "input": input});
    host.request("turn/start", turn).await?;
    Ok(host.notification("turn/completed").await["turn"].take())
}

// Row: what one client may cost
#[tokio::test]
async fn conversations_are_bounded_and_the_longest_unused_are_forgotten() {
    let backend = backend();
    let mut stage = Stage::set(&backend).await;
    let host = &mut stage.host;
    let kept = thread(host, 10).await;
    let mut first = Value::Null;
    for number in 0..30 {
        let new = thread(host, 1_000_000).await;
        if number == 0 {
            first = new;
        }
        // The one that goes on is not the longest unused.
        if number % 3 == 0 {
            tokio::time::sleep(Duration::from_millis(1100)).await;
            assert_eq!(
                say(host, &kept, "Hello").await.unwrap()["status"],
                "completed"
            );
        }
    }
    let forgotten = say(host, &first, "Hello").await.unwrap_err();
    assert_eq!(forgotten.kind(), "notFound", "{forgotten:?}");
    for _ in 0..1100 {
        thread(host, 0).await;
    }
    let loaded = host.request("thread/loaded/list", json!({})).await.unwrap();
    assert_eq!(loaded["data"].as_array().unwrap().len(), 1024);
    stage.check("1,100 threads, 30 of 1 MB");
}

#[tokio::test]
async fn one_conversation_is_bounded_and_ends_with_words_that_say_so() {
    let backend = backend();
    backend.set_script(script(
        "responses",
        &json!([{"text": ["Yes."], "repeat": 0}]),
    ));
    let mut stage = Stage::set(&backend).await;
    let host = &mut stage.host;
    let long = thread(host, 10).await;
    // Characters that take six bytes on the wire count as such.
    let text = "\u{1}".repeat(160_000);
    for _ in 0..3 {
        let ended = say(host, &long, &text).await.unwrap();
        assert_eq!(ended["status"], "completed");
    }
    let refused = say(host, &long, &text).await.unwrap_err();
    assert_eq!(refused.kind(), "contextWindowExceeded", "{refused:?}");
    let said = "the conversation is longer than 3 MiB; start a new thread";
    assert_eq!(refused.message, said);
    let ended = say(host, &long, "Hello").await.unwrap();
    assert_eq!(ended["status"], "completed");
    let resumed = host.request("thread/resume", json!({"threadId": long}));
    let turns = resumed.await.unwrap()["thread"]["turns"].take();
    assert_eq!(turns.as_array().unwrap().len(), 4);
    let refused = say(host, &long, &"x".repeat(1024 * 1024 + 1)).await;
    assert_eq!(refused.unwrap_err().data["path"], "input");
    stage.check("a conversation of 3 MB");
}

#[tokio::test]
async fn a_client_that_reads_nothing_costs_no_more() {
    let backend = backend();
    backend.set_script(script(
        "responses",
        &json!([{"text": ["Yes."], "repeat": 0}]),
    ));
    let mut stage = Stage::set(&backend).await;
    let long = thread(&mut stage.host, 10).await;
    // What a first turn touches of the program does not count.
    say(&mut stage.host, &long, "Hello").await.unwrap();
    stage.before = ProcessStatus::of(stage.listening.server.pid());
    let text = "x".repeat(1_000_000);
    for _ in 0..3 {
        let ended = say(&mut stage.host, &long, &text).await.unwrap();
        assert_eq!(ended["status"], "completed");
    }
    // It asks for all of the conversation again and again, and says more in another one.
    let other = thread(&mut stage.host, 10).await;
    let input = json!([{"type": "text", "text": text}]);
    let turn = json!({"id": "turn", "method": "turn/start", "params": {"threadId": other, "input": input}});
    let resume = json!({"id": "again", "method": "thread/resume", "params": {"threadId": long}});
    let mut asked = format!("{turn}\n");
    for _ in 0..100 {
        asked.push_str(&format!("{resume}\n"));
    }
    let sent = stage.host.send_raw(asked.as_bytes());
    // Nothing more is read from it, so not all of this is taken.
    drop(tokio::time::timeout(Duration::from_secs(3), sent).await);
    stage.others_are_served().await;
    stage.check("a client that reads nothing");
}

#[tokio::test]
async fn long_messages_over_a_websocket_cost_no_more() {
    let backend = backend();
    let setup = Setup::default().program(byokey_measured());
    let listening = Listening::websocket(setup.backend(&backend)).await;
    let mut host = listening.host().await;
    host.login(&TestToken::new("ada").encode(), "ws-1").await;
    let pid = listening.server.pid();
    let check = |before: ProcessStatus, what: &str| {
        let grown = ProcessStatus::of(pid).resident_peak - before.resident;
        println!("figure: {what}: peak memory +{grown} KiB");
        assert!(grown <= MOST, "{what}: {grown} KiB");
    };
    // What a first turn touches of the program does not count.
    let long = thread(&mut host, 10).await;
    say(&mut host, &long, "Hello").await.unwrap();
    let before = ProcessStatus::of(pid);
    for _ in 0..3 {
        let long = json!({"x": "x".repeat(LONG)});
        host.request("account/read", long).await.unwrap();
    }
    check(before, "a message of 4 MB over a WebSocket");
    let text = "x".repeat(1_000_000);
    for _ in 0..3 {
        say(&mut host, &long, &text).await.unwrap();
    }
    for _ in 0..3 {
        let resumed = host.request("thread/resume", json!({"threadId": long}));
        resumed.await.unwrap();
    }
    check(before, "a conversation of 3 MB over a WebSocket");
}
