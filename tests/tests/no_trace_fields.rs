//! No secret of any message appears in the output, and non-secret texts only where listed here:
//! every text that the schema lets a client send contains a canary.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::collections::BTreeSet;

use byokey_dev_backend::{DevBackend, Options};
use byokey_tests::fields::{self, Filled, Planted};
use byokey_tests::issuer::Issuer;
use byokey_tests::ports::LoginPorts;
use byokey_tests::{Canaries, Framing, Host, MadeUp, Setup};
use serde_json::{Value, json};

/// Non-secret texts that are returned in responses and notifications.
const COMES_BACK: [&str; 13] = [
    // The user agent.
    "initialize.clientInfo.name",
    "initialize.clientInfo.version",
    // Ids chosen by the client are named in errors about them, as in codex.
    "account/login/cancel.loginId",
    "account/login/complete.loginId",
    // `account/rateLimits/read` names the account whose limits these are, as in codex.
    "account/login/start.chatgptAccountId",
    // Settings of a thread.
    "skills/list.cwds[]",
    "thread/resume.model",
    "thread/start.approvalPolicy",
    "thread/start.cwd",
    "thread/start.model",
    // The user's text, which the backend of this test echoes.
    "turn/start.clientUserMessageId",
    "turn/start.input[].text",
    "turn/start.input[].text_elements[]",
];

const LOGIN: &str = "account/login/start";

/// A conversation, and all messages of the program.
struct Conversation {
    host: Host,
    said: Vec<Value>,
    planted: Vec<Planted>,
}

impl Conversation {
    /// Sends a message as it is. Waits for the response, if there is one.
    async fn send(&mut self, message: Filled) -> Value {
        let Filled {
            method,
            direction,
            value,
            planted,
        } = message;
        self.planted.extend(planted);
        if direction == "clientNotification" {
            let notification = json!({"method": method, "params": value});
            self.host.send(&notification).await;
            return Value::Null;
        }
        let id = self.host.start(&method, value).await;
        self.until(|it| it["id"] == id && it["method"].is_null())
            .await
    }

    /// Sends a message about an existing thread and login, and removes one refused member after the
    /// other. Their canaries were sent nevertheless.
    async fn send_until_taken(&mut self, mut message: Filled) {
        for (member, method, params, id) in [
            ("threadId", "thread/start", json!({}), "/result/thread/id"),
            (
                "loginId",
                LOGIN,
                json!({"type": "chatgpt"}),
                "/result/loginId",
            ),
        ] {
            if let Some(place) = message.value.get_mut(member) {
                let started = self.send(request(method, params)).await;
                *place = started.pointer(id).expect("an id").clone();
            }
        }
        loop {
            let answer = self.send(message.clone()).await;
            let refusal = answer["error"]["message"].as_str().unwrap_or_default();
            let refused = refusal.split('`').nth(1).unwrap_or_default();
            let refused = refused.split(['.', '[', ' ']).next().unwrap_or_default();
            let params = message.value.as_object_mut().unwrap();
            match params.get_mut(refused) {
                // Threads accept texts, and no pictures.
                Some(Value::Array(parts)) if parts.len() > 1 => drop(parts.pop()),
                Some(_) => drop(params.remove(refused)),
                None => break,
            }
        }
        if message.method == "turn/start" {
            self.until(|it| it["method"] == "turn/completed").await;
        }
    }

    async fn until(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.host.next().await.expect("it goes on");
            self.said.push(message.clone());
            if is_it(&message) {
                return message;
            }
        }
    }

    /// Makes the program request new tokens, and answers.
    async fn answer(&mut self, backend: &DevBackend, answer: Filled) {
        let token = MadeUp::jwt(&format!("before-{}", self.said.len()), 200).text;
        let origin = backend.base_url();
        let (login, call) = if answer.method == "account/bearerToken/refresh" {
            let login = json!({"type": "bearerToken", "token": token, "origin": origin});
            (login, "model/list")
        } else {
            let login = json!({"type": "chatgptAuthTokens", "accessToken": token, "chatgptAccountId": "ws-1"});
            (login, "account/usage/read")
        };
        self.send(request(LOGIN, login)).await;
        backend.reject_bearer(&token);
        let id = self.host.start(call, json!({})).await;
        let asked = self
            .until(|it| it["method"] == answer.method.as_str())
            .await;
        self.planted.extend(answer.planted);
        self.host.respond(&asked["id"], answer.value).await;
        self.until(|it| it["id"] == id && it["method"].is_null())
            .await;
    }
}

fn request(method: &str, params: Value) -> Filled {
    Filled {
        method: method.to_owned(),
        direction: "clientRequest".to_owned(),
        value: params,
        planted: Vec::new(),
    }
}

/// Sends every message twice: with fake ids, and with those of an existing thread and login.
async fn talk(conversation: &mut Conversation, backend: &DevBackend) {
    for is_real in [false, true] {
        let messages = fields::of_client(&format!("real-{is_real}"));
        let is_login = |it: &&Filled| it.value["type"] == "chatgptAuthTokens";
        let mut login = messages.iter().find(is_login).unwrap().clone();
        // Its account is another one than that of the tokens.
        let members = login.value.as_object_mut().unwrap();
        members.remove("workspaceRouting");
        for message in messages {
            if message.direction == "serverRequest" {
                conversation.answer(backend, message).await;
                continue;
            }
            if message.method != "initialize" {
                // Whatever was tried before, no credential is in force.
                conversation
                    .send(request("account/logout", json!({})))
                    .await;
            }
            if !message.method.starts_with("account/login/") {
                conversation.send(login.clone()).await;
            }
            if is_real {
                conversation.send_until_taken(message).await;
            } else {
                conversation.send(message).await;
            }
        }
    }
}

#[tokio::test]
async fn every_text_of_every_message_is_a_canary() {
    let _ports = LoginPorts::take().await;
    for (framing, trace) in [
        (Framing::Lines, None),
        (Framing::ContentLength, Some("--trace-protocol=-")),
    ] {
        let backend = DevBackend::start(Options::new()).unwrap();
        let issuer = Issuer::start().await;
        let mut setup = issuer.set_up(Setup::default().backend(&backend));
        if let Some(argument) = trace {
            setup = setup.argument(argument);
        }
        let mut server = setup.start();
        let mut conversation = Conversation {
            host: Host::framed(&mut server, framing),
            said: Vec::new(),
            planted: Vec::new(),
        };
        talk(&mut conversation, &backend).await;
        let Conversation {
            mut host,
            mut said,
            planted,
        } = conversation;
        host.close_input();
        said.extend(host.rest().await);
        assert_eq!(server.exit_code().await, Some(0));
        let log = server.whole_log().await;
        assert!(log.contains("DEBUG byokey"), "nothing was logged: {log}");
        check(said, &planted, &log, trace.is_some());
    }
}

/// Checks the messages and the log against the allowed texts. A trace of the traffic contains the
/// non-secret ones.
fn check(mut said: Vec<Value>, planted: &[Planted], log: &str, is_traced: bool) {
    // `getAuthStatus` exists to return the token.
    for message in &mut said {
        if let Some(result) = message.get_mut("result").and_then(Value::as_object_mut) {
            result.remove("authToken");
        }
    }
    let said: String = said.iter().map(Value::to_string).collect();
    let mut comes_back = BTreeSet::new();
    for Planted {
        place,
        text,
        is_secret,
    } in planted
    {
        let canary = Canaries::default();
        canary.add(text);
        if *is_secret {
            canary.check_text(place, &said);
        } else if canary.show_in(&said) {
            comes_back.insert(place.as_str());
        }
        if *is_secret || !is_traced {
            canary.check_text(&format!("the log: {place}"), log);
        }
    }
    assert_eq!(comes_back, BTreeSet::from(COMES_BACK));
}
