//! A scripted issuer on loopback: it issues fake tokens and records its requests.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use byokey_dev_backend::TestToken;
use byokey_dev_backend::issuer::{answers, fields};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, LOCATION};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::{Canaries, Setup};

/// Members and fields of its traffic that contain secrets.
const SECRETS: [&str; 8] = [
    "access_token",
    "id_token",
    "refresh_token",
    "token",
    "code",
    "authorization_code",
    "code_verifier",
    "device_auth_id",
];

/// The requests to an issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ask {
    /// `POST …/oauth/token` with a refresh token.
    Refresh,
    /// `POST …/oauth/token` with a code.
    Code,
    /// `POST …/oauth/revoke`.
    Revoke,
    /// `GET …/whoami`.
    Whoami,
    /// `POST …/deviceauth/usercode`.
    UserCode,
    /// `POST …/deviceauth/token`.
    DevicePoll,
}

/// One recorded request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its kind; none if unknown.
    pub ask: Option<Ask>,
    /// Path and query.
    pub target: String,
    /// The `authorization` header.
    pub authorization: Option<String>,
    /// The fields of a form or the members of a JSON body.
    pub body: Value,
}

#[derive(Default)]
struct State {
    /// Answers that precede the default one.
    script: Mutex<HashMap<Ask, VecDeque<(u16, Value)>>>,
    asked: Mutex<Vec<Asked>>,
    held: Mutex<HashMap<Ask, Arc<Semaphore>>>,
    /// How many refresh tokens were issued.
    rotation: Mutex<u64>,
    canaries: Canaries,
}

impl State {
    /// Adds the secrets in this to the canaries of the test.
    fn learn(&self, value: &Value) {
        for (name, value) in value.as_object().into_iter().flatten() {
            if let Value::String(secret) = value
                && SECRETS.contains(&name.as_str())
            {
                self.canaries.add_for_test(secret);
            }
        }
    }
}

/// The issuer. It ends with the test's runtime.
pub struct Issuer {
    address: SocketAddr,
    state: Arc<State>,
}

/// Returns the user of the issuer's tokens. They expire in the year 2100, so that they are equal in
/// every run.
#[must_use]
pub fn person() -> TestToken {
    TestToken {
        expires_at: 4_102_444_800,
        ..TestToken::new("ada")
    }
}

/// Returns an access token of [`person`], distinguished by its number.
#[must_use]
pub fn access_token(number: u64) -> String {
    answers::access_token(&person(), number)
}

/// Returns a refresh token, distinguished by its number.
#[must_use]
pub fn refresh_token(number: u64) -> String {
    format!("rt-made-up-{number}")
}

impl Issuer {
    /// Returns an issuer on a free port.
    ///
    /// # Panics
    ///
    /// When no port is free.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<State>::default();
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                let service = service_fn(move |request| answer(Arc::clone(&state), request));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { address, state }
    }

    /// Returns its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Configures the program to use it.
    #[must_use]
    pub fn set_up(&self, setup: Setup) -> Setup {
        setup.environment("CODEX_APP_SERVER_LOGIN_ISSUER", &self.url())
    }

    /// Scripts the next answer to that kind of request. A string is sent as text.
    ///
    /// # Panics
    ///
    /// When another thread panicked.
    pub fn next(&self, ask: Ask, status: u16, body: Value) -> &Self {
        let mut script = self.state.script.lock().unwrap();
        script.entry(ask).or_default().push_back((status, body));
        drop(script);
        self
    }

    /// Holds requests of that kind until they are released one by one.
    ///
    /// # Panics
    ///
    /// When another thread panicked.
    #[must_use]
    pub fn hold(&self, ask: Ask) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        let mut held = self.state.held.lock().unwrap();
        held.insert(ask, Arc::clone(&gate));
        gate
    }

    /// Returns the recorded requests of that kind, in order.
    ///
    /// # Panics
    ///
    /// When another thread panicked.
    #[must_use]
    pub fn asked(&self, ask: Ask) -> Vec<Asked> {
        let asked = self.state.asked.lock().unwrap();
        asked
            .iter()
            .filter(|asked| asked.ask == Some(ask))
            .cloned()
            .collect()
    }

    /// Waits for that many requests.
    ///
    /// # Panics
    ///
    /// When they do not arrive in time.
    pub async fn wait_for(&self, ask: Ask, times: usize) {
        let enough = async {
            while self.asked(ask).len() < times {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(crate::PATIENCE, enough)
            .await
            .expect("the issuer is asked in time");
    }
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Issuer").field(&self.address).finish()
    }
}

async fn answer(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let asked = read(request).await;
    state.learn(&asked.body);
    state.asked.lock().unwrap().push(asked.clone());
    let Some(ask) = asked.ask else {
        return Ok(reply(404, &json!({})));
    };
    let gate = state.held.lock().unwrap().get(&ask).cloned();
    if let Some(gate) = gate {
        gate.acquire().await.unwrap().forget();
    }
    let scripted = state
        .script
        .lock()
        .unwrap()
        .get_mut(&ask)
        .and_then(VecDeque::pop_front);
    let (status, body) = scripted.unwrap_or_else(|| (200, usual(&state, ask)));
    state.learn(&body);
    Ok(reply(status, &body))
}

async fn read(request: Request<Incoming>) -> Asked {
    let (parts, body) = request.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let body = fields(&bytes);
    let ask = match parts.uri.path() {
        "/oauth/token" if body["grant_type"] == "refresh_token" => Some(Ask::Refresh),
        "/oauth/token" => Some(Ask::Code),
        "/oauth/revoke" => Some(Ask::Revoke),
        "/api/accounts/v1/user-auth-credential/whoami" => Some(Ask::Whoami),
        "/api/accounts/deviceauth/usercode" => Some(Ask::UserCode),
        "/api/accounts/deviceauth/token" => Some(Ask::DevicePoll),
        _ => None,
    };
    let authorization = parts.headers.get("authorization");
    Asked {
        ask,
        target: parts.uri.to_string(),
        authorization: authorization.map(|value| value.to_str().unwrap().to_owned()),
        body,
    }
}

/// Returns the default answer.
fn usual(state: &State, ask: Ask) -> Value {
    let number = || {
        let mut rotation = state.rotation.lock().unwrap();
        *rotation += 1;
        *rotation
    };
    match ask {
        Ask::Refresh | Ask::Code => {
            let number = number();
            answers::tokens(&person(), &access_token(number), &refresh_token(number))
        }
        Ask::Revoke => json!({}),
        Ask::Whoami => answers::owner(&person()),
        Ask::UserCode => answers::device_code("device-made-up", "CODE-12345", 1),
        Ask::DevicePoll => {
            answers::device_grant("code-made-up", "challenge-made-up", "verifier-made-up")
        }
    }
}

fn reply(status: u16, body: &Value) -> Response<Full<Bytes>> {
    let (kind, text) = match body {
        Value::String(page) if page.starts_with('<') => ("text/html", page.clone()),
        Value::String(text) => ("text/plain", text.clone()),
        body => ("application/json", body.to_string()),
    };
    let mut response = Response::builder()
        .status(status)
        .header(CONTENT_TYPE, kind);
    if (300..400).contains(&status) {
        response = response.header(LOCATION, "/oauth/token");
    }
    response.body(Full::new(text.into())).unwrap()
}
