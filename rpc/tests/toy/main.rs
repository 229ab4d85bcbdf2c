//! A toy service over every transport, without the application: what this crate does on its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod budget;
mod client;
mod peers;
mod service;
mod stage;

use byokey_rpc::{Limits, claim_stdio, serve};
use libtest_mimic::{Arguments, Trial};
use serde_json::{Value, json};
use tokio::sync::watch;

use client::Client;
use stage::{SERVES, Stage, Transport};

fn main() {
    if std::env::var_os(SERVES).is_some() {
        return runtime().block_on(serve_stdio());
    }
    let mut trials = Vec::new();
    for transport in Transport::ALL {
        for (name, test) in TESTS {
            let (transport, name) = (*transport, format!("{transport:?}::{name}"));
            trials.push(Trial::test(name, move || {
                runtime().block_on(test(transport));
                Ok(())
            }));
        }
    }
    trials.extend(budget::trials());
    trials.extend(peers::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// The child's part: serves the toy on its standard input and output.
async fn serve_stdio() {
    let (reader, writer) = claim_stdio().unwrap().into_streams().unwrap();
    let (_end, shutdown) = watch::channel(false);
    serve(reader, writer, service::open(), Limits::default(), shutdown).await;
}

type Test = fn(Transport) -> std::pin::Pin<Box<dyn Future<Output = ()>>>;

const TESTS: [(&str, Test); 4] = [
    ("requests_are_answered_in_their_order", |it| {
        Box::pin(requests_are_answered_in_their_order(it))
    }),
    ("what_fails_is_answered_with_an_error", |it| {
        Box::pin(what_fails_is_answered_with_an_error(it))
    }),
    ("the_server_asks_and_waits_for_the_answers", |it| {
        Box::pin(the_server_asks_and_waits_for_the_answers(it))
    }),
    ("the_end_of_input_ends_the_connection", |it| {
        Box::pin(the_end_of_input_ends_the_connection(it))
    }),
];

async fn request(client: &mut Client, id: i64, method: &str, text: &str) {
    let params = json!({ "text": text });
    let request = json!({"id": id, "method": method, "params": params});
    client.send(&request.to_string()).await;
}

async fn next(client: &mut Client) -> Value {
    client.next().await.unwrap()
}

async fn requests_are_answered_in_their_order(transport: Transport) {
    let (stage, mut client) = Stage::set(transport).await;
    let long = "x".repeat(100_000);
    for (id, text) in [(1, "a\nb"), (2, &long), (3, "")] {
        request(&mut client, id, "toy/echo", text).await;
        let result = json!({ "text": text });
        assert_eq!(next(&mut client).await, json!({"id": id, "result": result}));
        let echoed = json!({"method": "toy/echoed", "params": result});
        assert_eq!(next(&mut client).await, echoed);
    }
    client
        .send(r#"{"jsonrpc":"2.0","id":"s","method":"toy/echo","params":{"text":""}}"#)
        .await;
    assert_eq!(next(&mut client).await["jsonrpc"], "2.0", "it is mirrored");
    next(&mut client).await;
    client.finish().await;
    stage.end().await;
}

async fn what_fails_is_answered_with_an_error(transport: Transport) {
    let (stage, mut client) = Stage::set(transport).await;
    let error = |answer: Value, id: Value, code: i64, kind: Value| {
        assert_eq!(answer["id"], id, "{answer}");
        assert_eq!(answer["error"]["code"], code, "{answer}");
        assert_eq!(answer["error"]["data"]["kind"], kind, "{answer}");
        assert!(!answer.to_string().contains("made-up"), "{answer}");
    };
    request(&mut client, 1, "toy/other", "made-up").await;
    error(next(&mut client).await, json!(1), -32601, Value::Null);
    request(&mut client, 2, "toy/panic", "made-up").await;
    error(next(&mut client).await, json!(2), -32603, Value::Null);
    request(&mut client, 3, "toy/panicLater", "made-up").await;
    error(next(&mut client).await, json!(3), -32603, Value::Null);
    client
        .send(r#"{"id":4,"method":"toy/echo","params":{"text":["made-up"]}}"#)
        .await;
    let answer = next(&mut client).await;
    assert_eq!(answer["error"]["data"]["path"], "text");
    error(answer, json!(4), -32602, json!("invalidParams"));
    client.send("made-up").await;
    error(next(&mut client).await, Value::Null, -32700, Value::Null);
    request(&mut client, 5, "toy/wait", "made-up").await;
    request(&mut client, 5, "toy/echo", "made-up").await;
    error(
        next(&mut client).await,
        json!(5),
        -32600,
        json!("duplicateId"),
    );
    client
        .send(r#"{"method":"$/cancelRequest","params":{"id":5}}"#)
        .await;
    error(
        next(&mut client).await,
        json!(5),
        -32800,
        json!("cancelled"),
    );
    client.finish().await;
    stage.end().await;
}

async fn the_server_asks_and_waits_for_the_answers(transport: Transport) {
    let (stage, mut client) = Stage::set(transport).await;
    request(&mut client, 1, "toy/ask", "why").await;
    let (question, other) = (next(&mut client).await, next(&mut client).await);
    for (question, method) in [(&question, "toy/question"), (&other, "toy/otherQuestion")] {
        assert_eq!(question["method"], method);
        assert_eq!(question["params"], json!({"text": "why"}));
    }
    // The second one first, and one without an open request.
    for (id, text) in [
        (&json!(99), "none"),
        (&other["id"], "b"),
        (&question["id"], "a"),
    ] {
        let answer = json!({"id": id, "result": {"text": text}});
        client.send(&answer.to_string()).await;
    }
    assert_eq!(next(&mut client).await["result"]["text"], "a, b");
    request(&mut client, 2, "toy/ask", "why").await;
    let (question, other) = (next(&mut client).await, next(&mut client).await);
    let refused = json!({"id": question["id"], "error": {"code": 7, "message": "made-up"}});
    client.send(&refused.to_string()).await;
    let odd = json!({"id": other["id"], "result": {"text": ["made-up"]}});
    client.send(&odd.to_string()).await;
    let told = "Refused(ErrorCode(7)), AnswerInvalid";
    assert_eq!(next(&mut client).await["result"]["text"], told);
    request(&mut client, 3, "toy/ask", "why").await;
    next(&mut client).await;
    next(&mut client).await;
    let told = "TimedOut { after: 300ms }, TimedOut { after: 300ms }";
    assert_eq!(next(&mut client).await["result"]["text"], told);
    client.finish().await;
    stage.end().await;
}

async fn the_end_of_input_ends_the_connection(transport: Transport) {
    let (stage, mut client) = Stage::set(transport).await;
    request(&mut client, 1, "toy/echo", "a").await;
    request(&mut client, 2, "toy/ask", "why").await;
    client.finish().await;
    let mut rest = Vec::new();
    while let Some(message) = client.next().await {
        rest.push(message);
    }
    if !matches!(transport, Transport::WebSocket) {
        // A half-closed stream still gets every answer, but requests to the client fail.
        let ids: Vec<_> = rest.iter().map(|it| it["id"].clone()).collect();
        assert_eq!(rest.first().unwrap()["result"]["text"], "a");
        assert_eq!(
            rest.last().unwrap()["result"]["text"],
            "Gone, Gone",
            "{ids:?}"
        );
    }
    stage.end().await;
}
