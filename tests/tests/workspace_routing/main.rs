//! Workspace routing: model calls go where the backend has the workspace, and asking for that costs
//! nothing but a model call a little time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod at_the_origin;
mod failures;
mod gateway;
mod handed_over;
mod lookup;
mod residency;
mod settings;

use std::time::Duration;

use byokey_dev_backend::{DevBackend, Options, Route, Script, TestToken};
use byokey_tests::tls::{Http, certified};
use byokey_tests::turns::MODEL;
use byokey_tests::{Host, Server, Setup};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

const OVERRIDE: &str = "x-openai-account-routing-override";
/// The rate limits in the headers of an answer.
const LIMITS: &str = "account/rateLimits/updated";
const REFRESH: &str = "account/chatgptAuthTokens/refresh";
/// How long an unexpected message is waited for. It would arrive within a few milliseconds.
const QUIET: Duration = Duration::from_millis(300);
/// An expiry that the tests do not reach.
const FAR: u64 = 4_102_444_800;
/// How long a model call waits for the lookup.
const WAIT: Duration = Duration::from_secs(3);

/// The configured backend, and the origin of a workspace, which is another one behind TLS.
struct Places {
    configured: DevBackend,
    workspace: DevBackend,
    certificate: NamedTempFile,
}

impl Places {
    fn new() -> Self {
        Self::over(Http::One)
    }

    fn over(http: Http) -> Self {
        let (config, pem) = certified(http);
        let certificate = NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut certificate.as_file(), pem.as_bytes()).unwrap();
        let workspace = DevBackend::start(Options::new().tls(config)).unwrap();
        let configured = DevBackend::start(Options::new()).unwrap();
        Self {
            configured,
            workspace,
            certificate,
        }
    }

    /// Places where the backend routes each workspace to the other origin.
    fn routed() -> Self {
        let places = Self::new();
        places.route(&places.workspace.base_url(), "us");
        places
    }

    /// Has the backend name this routing, for all workspaces of these tests.
    fn route(&self, origin: &str, policy: &str) {
        let account = |id: &str| json!({"id": id, "workspace_backend_origin": origin, "account_routing_override": policy});
        let accounts = ["ws-1", "ws-2", "account-ada"].map(account);
        self.answer(json!({"body": {"accounts": accounts}, "repeat": 0}));
    }

    /// Scripts the answer to lookups.
    fn answer(&self, step: Value) {
        let script = json!({"routes": {"accountsCheck": [step]}});
        let script = Script::from_value(script).unwrap();
        self.configured.set_script(script);
    }

    /// Settings of a program at the built-in provider that may use both.
    fn setup(&self) -> Setup {
        let origin = self.workspace.base_url();
        let url = self.configured.base_url();
        Setup::default()
            .config(&format!(
                "chatgpt_base_url = \"{url}/backend-api\"\nopenai_base_url = \"{url}/v1\""
            ))
            .argument("-c")
            .argument(&format!("byokey.workspace_origins=[\"{origin}\"]"))
            .environment(
                "CODEX_CA_CERTIFICATE",
                self.certificate.path().to_str().unwrap(),
            )
    }

    async fn program(&self) -> (Server, Host) {
        let mut server = self.setup().start();
        let host = Host::initialized(&mut server).await;
        (server, host)
    }

    async fn signed_in(&self) -> (Server, Host) {
        let (server, mut host) = self.program().await;
        host.login(&ada(), "ws-1").await;
        (server, host)
    }

    fn lookups(&self) -> usize {
        self.configured.count(Route::AccountsCheck)
    }

    /// How many model calls each of the two got.
    fn model_calls(&self) -> (usize, usize) {
        let calls = |backend: &DevBackend| backend.count(Route::Responses);
        (calls(&self.configured), calls(&self.workspace))
    }
}

/// Returns a token, the same in every call.
fn ada() -> String {
    let token = TestToken {
        expires_at: FAR,
        ..TestToken::new("ada")
    };
    token.encode()
}

/// Returns a token whose workspace is bound to a region.
fn bound() -> String {
    let token = TestToken {
        residency: Some("us".to_owned()),
        expires_at: FAR,
        ..TestToken::new("ada")
    };
    token.encode()
}

async fn thread(host: &mut Host) -> Value {
    let started = host.request("thread/start", json!({"model": MODEL})).await;
    started.unwrap()["thread"]["id"].take()
}

/// Starts a turn.
async fn begin(host: &mut Host, thread: &Value) {
    let input = json!([{"type": "text", "text": "Hello"}]);
    let params = json!({"threadId": thread, "input": input});
    host.request("turn/start", params).await.unwrap();
}

/// Waits for the end of a turn.
async fn end(host: &mut Host) -> Value {
    host.notification("turn/completed").await["turn"].take()
}

/// Completes a turn whose token is refused, and renewed by the host, for that many seconds and with
/// this routing. Returns the newer token.
async fn turn_with_renewal(host: &mut Host, seconds: u64, routing: Option<Value>) -> String {
    let thread = thread(host).await;
    begin(host, &thread).await;
    let (id, _) = host.asked(REFRESH).await;
    let renewed = TestToken::new("ada").expiring_in(Duration::from_secs(seconds));
    let renewed = renewed.encode();
    let mut answer = json!({"accessToken": &renewed, "chatgptAccountId": "ws-1"});
    if let Some(routing) = routing {
        answer["workspaceRouting"] = routing;
    }
    host.respond(&id, answer).await;
    assert_eq!(end(host).await["status"], "completed");
    renewed
}

/// Runs a turn in a thread of its own.
async fn turn(host: &mut Host) -> Value {
    let thread = thread(host).await;
    begin(host, &thread).await;
    end(host).await
}

/// Runs a turn that has to complete.
async fn complete(host: &mut Host) {
    let ended = turn(host).await;
    assert_eq!(ended["status"], "completed", "{ended}");
}

/// Returns the routing that clients see.
async fn shown(host: &mut Host) -> Value {
    let read = host.request("account/read", json!({})).await;
    read.unwrap()["workspaceRouting"].take()
}

/// Returns the methods of the messages about the account, and warnings, that were not waited for.
async fn unasked(host: &mut Host) -> Vec<String> {
    let messages = host.quiet_for(QUIET).await;
    let methods = messages.iter().filter_map(|it| it["method"].as_str());
    let is_one = |method: &&str| {
        method.contains("arning") || method.starts_with("account/") && *method != LIMITS
    };
    methods.filter(is_one).map(str::to_owned).collect()
}
