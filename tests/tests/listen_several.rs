//! Several connections: independent of each other, with one login for all.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use byokey_dev_backend::issuer::answers::access_token;
use byokey_dev_backend::{DevBackend, Options, Route, Script, TestToken};
use byokey_tests::issuer::person;
use byokey_tests::listening::introduce;
use byokey_tests::{Host, Listening, Setup};
use serde_json::{Value, json};

const REFRESH: &str = "account/chatgptAuthTokens/refresh";

/// Starts two kinds of listener, to which the same applies.
async fn listeners(backend: &DevBackend) -> [Listening; 2] {
    let setup = || Setup::default().backend(backend);
    [
        Listening::websocket(setup()).await,
        Listening::start(setup(), "unix://").await,
    ]
}

async fn stranger(listening: &Listening) -> Host {
    if listening.place().starts_with("ws") {
        listening.over(listening.client().await)
    } else {
        listening.unix_stranger()
    }
}

async fn host(listening: &Listening) -> Host {
    let mut host = stranger(listening).await;
    introduce(&mut host, json!({})).await;
    host
}

fn backend() -> DevBackend {
    DevBackend::start(Options::new()).unwrap()
}

fn tokens(token: &str) -> Value {
    json!({"accessToken": token, "chatgptAccountId": "ws-1"})
}

#[tokio::test]
async fn each_has_its_own_handshake_ids_and_wishes() {
    for listening in listeners(&backend()).await {
        let mut first = host(&listening).await;
        let mut second = stranger(&listening).await;
        let refused = second.request("account/read", json!({})).await.unwrap_err();
        assert_eq!(refused.kind(), "notInitialized");
        let wishes = json!({"optOutNotificationMethods": ["account/login/completed"]});
        introduce(&mut second, wishes).await;
        let again = second.request(
            "initialize",
            json!({"clientInfo": {"name": "x", "version": "1"}}),
        );
        assert_eq!(again.await.unwrap_err().kind(), "alreadyInitialized");

        // The same id on both, each answered on its connection.
        first
            .send(&json!({"id": "same", "method": "account/read"}))
            .await;
        second
            .send(&json!({"id": "same", "method": "getAuthStatus"}))
            .await;
        assert!(first.answer("same").await.unwrap().get("account").is_some());
        assert!(
            second
                .answer("same")
                .await
                .unwrap()
                .get("authMethod")
                .is_some()
        );

        // A login is shared by all connections, and announced to all that have not opted out.
        first.login(&TestToken::new("one").encode(), "ws-1").await;
        assert_eq!(
            second.notification("account/updated").await["authMode"],
            "chatgptAuthTokens"
        );
        assert!(second.request("account/read", json!({})).await.unwrap()["account"].is_object());
        let rest = second.quiet_for(Duration::from_millis(100)).await;
        assert!(rest.is_empty(), "{rest:?}");
        second.request("account/logout", json!(null)).await.unwrap();
        assert_eq!(
            first.notification("account/updated").await["authMode"],
            Value::Null
        );
    }
}

#[tokio::test]
async fn new_tokens_are_asked_of_the_supplier_else_of_the_others() {
    let backend = backend();
    for listening in listeners(&backend).await {
        let mut supplier = host(&listening).await;
        let mut other = host(&listening).await;
        let mut third = host(&listening).await;
        let mut silent = stranger(&listening).await;
        let old = access_token(&person(), 1);
        supplier.login(&old, "ws-1").await;
        backend.reject_bearer(&old);

        let limits = other.start("account/rateLimits/read", json!({})).await;
        let (id, _) = supplier.asked(REFRESH).await;
        for host in [&mut other, &mut third] {
            let told = host.quiet_for(Duration::from_millis(50)).await;
            assert!(
                told.iter().all(|message| message["method"] != REFRESH),
                "{told:?}"
            );
        }
        // It disconnects without an answer: the others are asked, and the first valid answer
        // counts.
        drop(supplier);
        let (others_id, _) = other.asked(REFRESH).await;
        let (thirds_id, _) = third.asked(REFRESH).await;
        assert_ne!(others_id, id, "each request has its own id");
        let new = access_token(&person(), 2);
        third.respond(&thirds_id, tokens(&new)).await;
        assert!(other.answer(limits).await.is_ok());
        other.respond(&others_id, tokens("late.but.harmless")).await;

        // Now the third one is the supplier.
        backend.reject_bearer(&new);
        let limits = other.start("account/rateLimits/read", json!({})).await;
        let (id, _) = third.asked(REFRESH).await;
        let newest = access_token(&person(), 3);
        third.respond(&id, tokens(&newest)).await;
        assert!(other.answer(limits).await.is_ok());
        assert_eq!(backend.requests().last().unwrap().bearer(), Some(&*newest));
        assert!(
            silent.quiet_for(Duration::from_millis(10)).await.is_empty(),
            "not introduced"
        );
        backend.accept_bearer(&old);
        backend.accept_bearer(&new);
    }
}

#[tokio::test]
async fn a_connection_that_goes_takes_only_its_own_requests_with_it() {
    let backend = backend();
    for listening in listeners(&backend).await {
        let mut leaver = host(&listening).await;
        let mut stayer = host(&listening).await;
        let old = TestToken::new("old").encode();
        stayer.login(&old, "ws-1").await;
        let gate = backend.hold(Route::Usage);
        leaver.start("account/rateLimits/read", json!({})).await;
        let waiting = stayer.start("account/rateLimits/read", json!({})).await;
        gate.wait_for(2).await;
        drop(leaver);
        gate.release();
        assert!(stayer.answer(waiting).await.is_ok());

        // The connection whose call started the refresh disconnects; the refresh continues.
        backend.reject_bearer(&old);
        let mut leaver = host(&listening).await;
        leaver.start("account/rateLimits/read", json!({})).await;
        let (id, _) = stayer.asked(REFRESH).await;
        let waiting = stayer.start("account/rateLimits/read", json!({})).await;
        drop(leaver);
        stayer.request("account/read", json!({})).await.unwrap();
        let new = TestToken::new("new").encode();
        stayer.respond(&id, tokens(&new)).await;
        assert!(stayer.answer(waiting).await.is_ok());
        backend.accept_bearer(&old);

        // A turn belongs to the process: the remaining subscribers of its thread get its end.
        let mut leaver = host(&listening).await;
        let thread = leaver.request("thread/start", json!({})).await.unwrap();
        let resumed = json!({"threadId": thread["thread"]["id"]});
        stayer.request("thread/resume", resumed).await.unwrap();
        let gate = backend.hold(Route::Responses);
        let input = json!([{"type": "text", "text": "Hello"}]);
        let turn = json!({"threadId": thread["thread"]["id"], "input": input});
        leaver.request("turn/start", turn).await.unwrap();
        gate.wait_for(1).await;
        drop(leaver);
        gate.release();
        let completed = stayer.notification("turn/completed").await;
        assert_eq!(completed["turn"]["status"], "completed");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_disconnected_and_blocks_no_other() {
    let backend = backend();
    // More notifications than a connection's socket buffers hold, of a text within its limit.
    let delta = json!({
        "type": "response.output_text.delta", "item_id": "msg-1", "delta": "xxxxxxxx",
    });
    let item = json!({
        "type": "message", "id": "msg-1", "role": "assistant",
        "content": [{"type": "output_text", "text": "short"}],
    });
    let mut events = vec![json!({"type": "response.created", "response": {"id": "resp-1"}})];
    events.extend(vec![delta; 60_000]);
    events.push(json!({"type": "response.output_item.done", "item": item}));
    events.push(json!({"type": "response.completed", "response": {"id": "resp-1"}}));
    let script = json!({"routes": {"responses": [{"events": events, "repeat": 0}]}});
    backend.set_script(Script::from_value(script).unwrap());
    for listening in listeners(&backend).await {
        let mut reader = host(&listening).await;
        let mut deaf = host(&listening).await;
        reader.login(&TestToken::new("one").encode(), "ws-1").await;
        let thread = reader.request("thread/start", json!({})).await.unwrap();
        let resumed = json!({"threadId": thread["thread"]["id"]});
        deaf.request("thread/resume", resumed).await.unwrap();
        let input = json!([{"type": "text", "text": "Hello"}]);
        let turn = json!({"threadId": thread["thread"]["id"], "input": input});
        reader.request("turn/start", turn).await.unwrap();
        let completed = reader.notification("turn/completed").await;
        assert_eq!(completed["turn"]["status"], "completed");
        let told = "closed because it did not read";
        let log = listening.server.log_with(told).await;
        let given_up = log.matches(told).count();
        assert_eq!(given_up, 1, "{log}");
        drop(deaf);
    }
}

// Row: every id answered once
#[tokio::test]
async fn ten_thousand_requests_on_each_of_several_connections() {
    const EACH: usize = 10_000;
    for listening in listeners(&backend()).await {
        let mut hosts = Vec::new();
        for _ in 0..4 {
            hosts.push(host(&listening).await);
        }
        let bursts = hosts.iter_mut().map(async |host| {
            // Only as many at once as their unread answers find room for.
            for first in (0..EACH).step_by(1000) {
                let ids = || (first..first + 1000).map(|id| json!(format!("burst-{id}")));
                let requests: String = ids()
                    .map(|id| format!("{}\n", json!({"id": id, "method": "account/read"})))
                    .collect();
                host.send_raw(requests.as_bytes()).await;
                for id in ids() {
                    let answer = host.next().await.unwrap();
                    assert_eq!(answer["id"], id, "in order, none lost, none twice");
                    assert!(answer["result"].is_object());
                }
            }
        });
        futures_util::future::join_all(bursts).await;
    }
}
