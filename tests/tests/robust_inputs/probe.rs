//! A host that sends bad input and observes the effects.

use byokey_dev_backend::{DevBackend, Options, TestToken};
use byokey_tests::{Host, Server, Setup};
use serde_json::{Value, json};

/// In bad inputs wherever a string is possible; it must never come back.
pub(crate) const CANARY: &str = "canary-4b1d";

/// The code for invalid JSON.
pub(crate) const PARSE: i64 = -32700;
/// The code for JSON that is not a message, or that a rule forbids.
pub(crate) const INVALID_REQUEST: i64 = -32600;
/// The code of an unknown method.
pub(crate) const NO_METHOD: i64 = -32601;
/// The code of invalid parameters.
pub(crate) const INVALID_PARAMS: i64 = -32602;
/// The code of a cancelled request.
pub(crate) const CANCELLED: i64 = -32800;

/// The server under test, with a host after its handshake and a backend to call.
pub(crate) struct Probe {
    pub(crate) server: Server,
    pub(crate) host: Host,
    pub(crate) backend: DevBackend,
    asked: u64,
}

impl Probe {
    pub(crate) async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        let backend = DevBackend::start(Options::new()).unwrap();
        let mut server = setup.backend(&backend).start();
        let host = Host::initialized(&mut server).await;
        Self {
            server,
            host,
            backend,
            asked: 0,
        }
    }

    /// Logs in and returns the token.
    pub(crate) async fn sign_in(&mut self) -> String {
        let token = TestToken::new("ada").encode();
        self.host.login(&token, "ws-1").await;
        token
    }

    /// Sends bytes followed by a valid request, and returns the messages before its response.
    ///
    /// Errors in messages are reported synchronously and in order, so there are no others.
    pub(crate) async fn answers_to(&mut self, input: &[u8]) -> Vec<Value> {
        self.host.send_raw(input).await;
        self.asked += 1;
        let id = format!("valid-{}", self.asked);
        self.host
            .send(&json!({"id": id, "method": "account/read"}))
            .await;
        let mut before = Vec::new();
        loop {
            let message = self.host.next().await.expect("the server goes on");
            if message["id"] == id {
                assert!(message["result"].is_object(), "{message}");
                return before;
            }
            assert!(!message.to_string().contains(CANARY), "{message}");
            before.push(message);
        }
    }

    /// Expects exactly one answer to the input: this error, with this kind (empty for none) and
    /// id.
    pub(crate) async fn refuses(&mut self, input: &[u8], code: i64, kind: &str, id: Value) {
        let mut answers = self.answers_to(input).await;
        let shown = String::from_utf8_lossy(&input[..input.len().min(200)]);
        assert_eq!(answers.len(), 1, "{shown}: {answers:?}");
        let answer = answers.remove(0);
        assert_eq!(answer["error"]["code"], code, "{shown}: {answer}");
        let said = answer["error"]["data"]["kind"].as_str().unwrap_or_default();
        assert_eq!(said, kind, "{shown}: {answer}");
        assert_eq!(answer.get("id"), Some(&id), "{shown}: {answer}");
    }

    /// Expects no answer to the input.
    pub(crate) async fn ignores(&mut self, input: &[u8]) {
        let answers = self.answers_to(input).await;
        assert_eq!(
            answers,
            Vec::<Value>::new(),
            "{}",
            String::from_utf8_lossy(input)
        );
    }

    /// Ends the server normally, and searches its log for canaries.
    pub(crate) async fn end(mut self) {
        self.host.close_input();
        let rest = self.host.rest().await;
        assert!(rest.is_empty(), "{rest:?}");
        assert_eq!(self.server.exit_code().await, Some(0));
        let log = self.server.whole_log().await;
        assert!(!log.contains(CANARY), "{log}");
    }
}
