//! Refused logins: no credential is in force, so no trace may stay.

use byokey_tests::{Framing, MadeUp, Setup, Subject, Way};
use serde_json::{Value, json};

use crate::support::{ORDINARY, login_params};

async fn examine(setup: Setup, way: impl Into<Way>, what: &str, secret: &MadeUp, params: Value) {
    let mut subject = Subject::start(setup, way).await;
    subject.server.canaries.add(&secret.text);
    let login = subject.host.request("account/login/start", params).await;
    login.expect_err(what);
    subject.assert_gone(secret, what).await;
}

#[tokio::test]
async fn wrong_parameters() {
    let token = MadeUp::jwt("wrong-parameters", ORDINARY);
    let text = &token.text;
    let params = [
        ("the token as type", json!({"type": text})),
        (
            "the token as account",
            json!({"type": "chatgptAuthTokens", "chatgptAccountId": text}),
        ),
        (
            "the token in a list",
            json!({"type": "chatgptAuthTokens", "accessToken": [text], "chatgptAccountId": "a"}),
        ),
        ("the token alone", json!(text)),
        ("a list", json!(["chatgptAuthTokens", text, "a"])),
        (
            "no account",
            json!({"type": "chatgptAuthTokens", "accessToken": text}),
        ),
        (
            "an account of the wrong type",
            json!({"type": "chatgptAuthTokens", "accessToken": text, "chatgptAccountId": 1}),
        ),
        (
            "an account that cannot be sent",
            json!({"type": "chatgptAuthTokens", "accessToken": text, "chatgptAccountId": "a\nb"}),
        ),
        (
            "another member",
            json!({"type": "apiKey", "accessToken": text}),
        ),
        (
            "a key with a blank",
            json!({"type": "apiKey", "apiKey": format!("{text} {text}")}),
        ),
    ];
    for way in Way::ALL {
        for (what, params) in params.clone() {
            examine(Setup::default(), way, what, &token, params).await;
        }
    }
}

#[tokio::test]
async fn tokens_that_are_no_jwt() {
    let token = MadeUp::jwt("no-jwt", ORDINARY);
    let mangled = [
        token.text.replacen('.', "", 1),
        format!("{}.x", token.text),
        token.text.replacen('.', "..", 1),
        token.text.replacen('.', " .", 1),
        format!("\"{}\"", token.text),
        token.text.replacen("e30.ey", "e30.AA", 1),
    ];
    for text in mangled {
        let secret = MadeUp {
            text,
            ..token.clone()
        };
        let params = login_params(&secret);
        examine(Setup::default(), Framing::Lines, "no JWT", &secret, params).await;
    }
}

#[tokio::test]
async fn logins_that_the_configuration_forbids() {
    let token = MadeUp::jwt("forbidden", ORDINARY);
    let key = MadeUp::api_key("forbidden", ORDINARY);
    let with_key = json!({"type": "apiKey", "apiKey": key.text});
    let cases = [
        (
            r#"forced_chatgpt_workspace_id = "ws-2""#,
            &token,
            login_params(&token),
        ),
        (
            r#"forced_login_method = "api""#,
            &token,
            login_params(&token),
        ),
        (r#"forced_login_method = "chatgpt""#, &key, with_key),
    ];
    for framing in Framing::ALL {
        for (config, secret, params) in cases.clone() {
            let setup = Setup::default().config(config);
            examine(setup, framing, config, secret, params).await;
        }
    }
}

#[tokio::test]
async fn logins_while_the_host_owns_the_login() {
    let mut subject = Subject::start(Setup::default(), Framing::Lines).await;
    let token = MadeUp::jwt("owned", ORDINARY);
    let key = MadeUp::api_key("owned", 164);
    let personal = MadeUp::jwt("owned-personal", 164);
    subject.login(&token).await;
    let logins = [
        json!({"type": "apiKey", "apiKey": key.text}),
        json!({"type": "personalAccessToken", "accessToken": personal.text}),
        json!({"type": "chatgpt"}),
    ];
    for params in logins {
        let login = subject.host.request("account/login/start", params).await;
        login.unwrap_err();
    }
    subject
        .assert_all_gone(&[key, personal], "while external")
        .await;
    subject.assert_in_use(&token, "the host's token stays");
}

#[tokio::test]
async fn a_refused_login_leaves_the_old_one() {
    let config = r#"forced_chatgpt_workspace_id = "ws-made-up""#;
    let mut subject = Subject::start(Setup::default().config(config), Framing::Lines).await;
    let (old, new) = (MadeUp::jwt("old", ORDINARY), MadeUp::jwt("new", ORDINARY));
    subject.login(&old).await;
    let login = subject
        .host
        .request("account/login/start", login_params(&new));
    assert_eq!(login.await.unwrap_err().kind(), "workspaceMismatch");
    subject.assert_gone(&new, "refused").await;
    subject.assert_in_use(&old, "stays");
    subject.logout().await;
    subject.assert_gone(&old, "after logout").await;
}

#[tokio::test]
async fn a_login_before_the_handshake() {
    // A second program is used as the first connection, which has no client yet; here the request
    // is refused because its method is unknown, and its id is in use.
    let mut subject = Subject::start(Setup::default(), Framing::Lines).await;
    let token = MadeUp::jwt("unknown-method", ORDINARY);
    let params = login_params(&token);
    let answer = subject.host.request("account/login/begin", params.clone());
    assert_eq!(answer.await.unwrap_err().code, -32601);
    let message = json!({"id": [token.text], "method": "account/login/start", "params": params});
    subject.host.send(&message).await;
    let complaint = subject.host.next().await.unwrap();
    assert_eq!(complaint["error"]["code"], -32600);
    subject
        .host
        .send(&json!({"method": "nobody/knows", "params": params}))
        .await;
    subject
        .host
        .send(&json!({"id": 77, "result": params}))
        .await;
    subject
        .host
        .request("account/read", json!({}))
        .await
        .unwrap();
    subject.assert_gone(&token, "in messages of no use").await;
}
