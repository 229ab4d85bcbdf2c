//! Rows 20, 23, 25, 26 and 29: messages that cannot be executed.

use byokey_dev_backend::Route;
use byokey_tests::{Host, Server};
use serde_json::{Value, json};

use crate::probe::{CANARY, INVALID_PARAMS, INVALID_REQUEST, NO_METHOD, Probe};

fn line(method: &str, params: &Value) -> Vec<u8> {
    let message = json!({"id": 1, "method": method, "params": params});
    format!("{message}\n").into_bytes()
}

#[tokio::test]
async fn row_20_an_id_in_flight_cannot_be_used_again() {
    let mut probe = Probe::start().await;
    probe.sign_in().await;
    let held = probe.backend.hold(Route::Usage);
    let first = line("account/rateLimits/read", &json!({}));
    probe.ignores(&first).await;
    held.wait_for(1).await;
    for method in ["account/rateLimits/read", "account/read", CANARY] {
        probe
            .refuses(
                &line(method, &json!({"x": CANARY})),
                INVALID_REQUEST,
                "duplicateId",
                json!(1),
            )
            .await;
    }
    held.release();
    assert!(probe.host.answer(1).await.is_ok(), "the first is answered");
    let again = probe.answers_to(&line("account/read", &json!({}))).await;
    assert!(again[0]["result"].is_object(), "{again:?}");
    probe.end().await;
}

#[tokio::test]
async fn row_23_an_unknown_method_is_reported_without_the_list_of_all() {
    let mut probe = Probe::start().await;
    for method in [CANARY, "", "$/cancelRequest", "account/Read", "shutdown"] {
        let line = line(method, &json!({"x": CANARY}));
        probe.refuses(&line, NO_METHOD, "", json!(1)).await;
    }
    probe.end().await;
}

#[tokio::test]
async fn row_25_bad_params_are_reported_by_their_path() {
    let mut probe = Probe::start().await;
    for (method, params, path) in [
        ("account/login/start", json!({"x": CANARY}), "type"),
        ("account/login/start", json!({"type": CANARY}), "type"),
        ("account/login/start", json!({"type": {CANARY: 1}}), "type"),
        ("account/login/start", json!({"type": "apiKey"}), "apiKey"),
        (
            "account/login/start",
            json!({"type": "apiKey", "apiKey": [CANARY]}),
            "apiKey",
        ),
        (
            "account/login/start",
            json!({"type": "chatgptAuthTokens", "chatgptAccountId": CANARY}),
            "accessToken",
        ),
        (
            "account/login/start",
            json!({"type": "chatgptAuthTokens", "accessToken": CANARY}),
            "chatgptAccountId",
        ),
        (
            "account/read",
            json!({"refreshToken": CANARY}),
            "refreshToken",
        ),
        ("thread/start", json!({"model": {CANARY: CANARY}}), "model"),
        ("turn/start", json!({"threadId": CANARY}), "input"),
        (
            "turn/start",
            json!({"threadId": CANARY, "input": [{"type": "text", "text": {CANARY: 1}}]}),
            "input[0].text",
        ),
        ("turn/interrupt", json!({"threadId": CANARY}), "turnId"),
    ] {
        let mut answers = probe.answers_to(&line(method, &params)).await;
        assert_eq!(answers.len(), 1, "{method} {params}");
        let error = answers.remove(0)["error"].take();
        assert_eq!(error["code"], INVALID_PARAMS, "{method} {params}: {error}");
        assert_eq!(error["data"]["kind"], "invalidParams");
        assert_eq!(error["data"]["path"], path, "{method} {params}: {error}");
        let named = error["message"].as_str().unwrap().contains(path);
        assert!(named, "{method} {params}: {error}");
    }
    probe.end().await;
}

#[tokio::test]
async fn row_26_params_that_are_no_object_are_refused() {
    let mut probe = Probe::start().await;
    for params in [
        json!([]),
        json!([CANARY]),
        json!(CANARY),
        json!(1),
        json!(true),
    ] {
        let line = line("account/read", &params);
        probe
            .refuses(&line, INVALID_PARAMS, "invalidParams", json!(1))
            .await;
    }
    probe.end().await;
}

#[tokio::test]
async fn row_29_a_call_before_initialize_is_refused() {
    let mut server = Server::start();
    let mut host = Host::new(&mut server);
    for method in ["account/read", "account/login/start", "turn/start"] {
        let refused = host
            .request(method, json!({"x": CANARY}))
            .await
            .unwrap_err();
        assert_eq!((refused.code, refused.kind()), (-32600, "notInitialized"));
    }
    let client = json!({"name": "test-host", "version": "1.0"});
    let initialized = host
        .request("initialize", json!({"clientInfo": client}))
        .await;
    assert!(initialized.is_ok(), "{initialized:?}");
    assert!(host.request("account/read", json!({})).await.is_ok());
}

#[tokio::test]
async fn row_29_a_second_initialize_is_refused() {
    let mut probe = Probe::start().await;
    let params = json!({"clientInfo": {"name": CANARY, "version": CANARY}});
    probe
        .refuses(
            &line("initialize", &params),
            INVALID_REQUEST,
            "alreadyInitialized",
            json!(1),
        )
        .await;
    probe.end().await;
}
