//! A host of several accounts.

use byokey_dev_backend::issuer::answers;
use byokey_dev_backend::{DevBackend, Options, Route, TestToken};
use byokey_tests::{Host, Server, Setup};
use serde_json::{Value, json};

pub(crate) const REFRESH: &str = "account/chatgptAuthTokens/refresh";

/// Returns a token of that user. All have workspaces of the same name.
pub(crate) fn token(person: &str, number: u64) -> String {
    let person = TestToken {
        account: person.to_owned(),
        // The same text in every run.
        expires_at: 4_102_444_800,
        ..TestToken::new(person)
    };
    answers::access_token(&person, number)
}

pub(crate) fn tokens(person: &str, number: u64) -> Value {
    json!({"accessToken": token(person, number), "chatgptAccountId": person})
}

/// The program, its backend, and a host that knows of several accounts.
pub(crate) struct Scene {
    pub(crate) backend: DevBackend,
    pub(crate) server: Server,
    pub(crate) host: Host,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::named("several-accounts", Setup::default()).await
    }

    pub(crate) async fn named(name: &str, setup: Setup) -> Self {
        let backend = DevBackend::start(Options::new()).unwrap();
        let mut server = setup.backend(&backend).start();
        let capabilities = json!({"multipleAccounts": true});
        let mut host = Host::new(&mut server);
        host.introduce(name, capabilities).await;
        Self {
            backend,
            server,
            host,
        }
    }

    /// Adds accounts of these users, in this order: the last one is selected.
    pub(crate) async fn with(people: &[&str]) -> Self {
        let mut scene = Self::new().await;
        for person in people {
            add(&mut scene.host, person).await;
        }
        scene
    }

    /// Reads the rate limits, and returns the token that the call carried.
    pub(crate) async fn bearer_of(&mut self, params: Value) -> String {
        let method = "account/rateLimits/read";
        self.host.request(method, params).await.unwrap();
        let requests = self.backend.requests_to(Route::Usage);
        requests.last().unwrap().bearer().unwrap().to_owned()
    }
}

/// Logs in beside the accounts that there are.
pub(crate) async fn add(host: &mut Host, person: &str) {
    let mut params = tokens(person, 1);
    params["type"] = json!("chatgptAuthTokens");
    params["keep"] = json!(true);
    params["label"] = json!(person);
    let method = "account/login/start";
    host.request(method, params).await.unwrap();
    host.notification("account/list/changed").await;
}

pub(crate) async fn list(host: &mut Host) -> Value {
    host.request("account/list", json!({})).await.unwrap()
}

/// Returns the labels of the accounts, and that of the selected one.
pub(crate) async fn labels(host: &mut Host) -> (Vec<String>, Option<String>) {
    let list = list(host).await;
    let accounts = list["accounts"].as_array().unwrap();
    let label = |it: &Value| it["label"].as_str().unwrap_or_default().to_owned();
    let selected = accounts
        .iter()
        .find(|it| it["accountKey"] == list["selectedKey"]);
    (accounts.iter().map(label).collect(), selected.map(label))
}

/// Returns the key of the account of that label.
pub(crate) async fn key(host: &mut Host, person: &str) -> Value {
    let mut list = list(host).await;
    let accounts = list["accounts"].as_array_mut().unwrap();
    let found = accounts.iter_mut().find(|it| it["label"] == person);
    found.unwrap()["accountKey"].take()
}

pub(crate) async fn thread(host: &mut Host, params: Value) -> Value {
    let started = host.request("thread/start", params).await;
    started.unwrap()["thread"]["id"].take()
}

/// Runs a turn to its end, and returns it.
pub(crate) async fn turn(host: &mut Host, thread: &Value) -> Value {
    let params = json!({"threadId": thread, "input": [{"type": "text", "text": "Hello"}]});
    host.request("turn/start", params).await.unwrap();
    let mut completed = host.notification("turn/completed").await;
    completed["turn"].take()
}
