//! The HTTP side of a WebSocket connection: health checks and admission.
//!
//! A connection carries one request. A refusal states its reason in plain text.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::{
    CONNECTION, CONTENT_TYPE, HeaderName, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tungstenite::handshake::derive_accept_key;

use super::bearer::BearerRule;
use super::failures::Failures;
use super::hosts::Hosts;
use byokey_base::clock::Clock;

/// The deadline of a handshake: the bound against slowloris clients, with [`MAX_HEAD`].
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);
/// Longest request head, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// Decides which clients are admitted.
pub struct Admission {
    /// The checks of a port. `None` where the listener itself admits only our user.
    guard: Option<Guard>,
    /// The free connection slots.
    permits: Arc<Semaphore>,
}

/// The checks of a port.
struct Guard {
    hosts: Hosts,
    bearers: BearerRule,
    failures: Failures,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").finish_non_exhaustive()
    }
}

/// An admitted client: its stream and its connection slot.
pub type Admitted = (TokioIo<Upgraded>, OwnedSemaphorePermit);

/// The response that refuses a request.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    text: String,
}

impl Refusal {
    fn new(status: StatusCode, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { status, text }
    }
}

/// Answers the request on a new stream. Returns the client if it is admitted.
pub async fn accept_upgrade<S>(stream: S, admission: &Admission) -> Option<Admitted>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let admitted = Mutex::new(None);
    let service = service_fn(async |request: Request<Incoming>| {
        let response = match admission.decide(request).await {
            Ok(Decision::HealthCheck) => text(StatusCode::OK, "ok\n".to_owned()),
            Ok(Decision::Upgrade {
                upgrade,
                permit,
                response,
            }) => {
                *admitted.lock().await = Some((upgrade, permit));
                response
            }
            Err(refusal) => text(refusal.status, format!("{}\n", refusal.text)),
        };
        Ok::<_, Infallible>(response)
    });
    let answered = http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    // Whatever failed, the client is not admitted.
    tokio::time::timeout(HANDSHAKE_TIME, answered)
        .await
        .ok()?
        .ok()?;
    let (upgrade, permit) = admitted.into_inner()?;
    let stream = upgrade.await.ok()?;
    Some((TokioIo::new(stream), permit))
}

enum Decision {
    /// A health check.
    HealthCheck,
    /// An admitted client.
    Upgrade {
        upgrade: OnUpgrade,
        permit: OwnedSemaphorePermit,
        response: Response<String>,
    },
}

impl Admission {
    /// Returns the admission of a listener that only processes of our user can reach.
    #[must_use]
    pub const fn of_trusted(permits: Arc<Semaphore>) -> Self {
        Self {
            guard: None,
            permits,
        }
    }

    /// Returns the admission of a listener that any process can reach: a valid bearer is required.
    pub fn of_strangers(
        listening: SocketAddr,
        bearers: BearerRule,
        permits: Arc<Semaphore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let guard = Guard {
            hosts: Hosts::new(listening),
            bearers,
            failures: Failures::default(),
            clock,
        };
        Self {
            guard: Some(guard),
            permits,
        }
    }

    async fn decide(&self, request: Request<Incoming>) -> Result<Decision, Refusal> {
        let headers = request.headers();
        if headers.contains_key(ORIGIN) {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "requests of web pages are refused: they carry an Origin header",
            ));
        }
        if self
            .guard
            .as_ref()
            .is_some_and(|guard| !guard.hosts.admit(headers))
        {
            return Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "the Host header must be 127.0.0.1, [::1], localhost or the listening address, \
                 with the port",
            ));
        }
        let is_get = request.method() == Method::GET;
        if is_get && matches!(request.uri().path(), "/readyz" | "/healthz") {
            return Ok(Decision::HealthCheck);
        }
        if let Some(guard) = &self.guard
            && let Err(refusal) = guard.bearers.check(headers, guard.clock.unix_seconds())
        {
            tokio::time::sleep(guard.failures.count()).await;
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, refusal.to_string()));
        }
        let accept = accept_key(&request)?;
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            return Err(Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many connections; close one or raise --max-connections",
            ));
        };
        let mut response = text(StatusCode::SWITCHING_PROTOCOLS, String::new());
        let headers = response.headers_mut();
        headers.clear();
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        Ok(Decision::Upgrade {
            upgrade: hyper::upgrade::on(request),
            permit,
            response,
        })
    }
}

/// Returns the `Sec-WebSocket-Accept` value for an upgrade request.
fn accept_key(request: &Request<Incoming>) -> Result<HeaderValue, Refusal> {
    let headers = request.headers();
    let upgrades = request.method() == Method::GET
        && request.version() >= Version::HTTP_11
        && lists(headers, &CONNECTION, "upgrade")
        && lists(headers, &UPGRADE, "websocket")
        && headers
            .get(SEC_WEBSOCKET_VERSION)
            .is_some_and(|version| version == "13");
    let bad = |status| Refusal::new(status, "this is a WebSocket server, version 13");
    if !upgrades {
        return Err(bad(StatusCode::UPGRADE_REQUIRED));
    }
    let key = headers
        .get(SEC_WEBSOCKET_KEY)
        .ok_or_else(|| bad(StatusCode::BAD_REQUEST))?;
    let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes()));
    accept.map_err(|_| bad(StatusCode::BAD_REQUEST))
}

/// Returns whether a header with a comma-separated list contains this word.
fn lists(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .any(|listed| listed.trim().eq_ignore_ascii_case(word))
}

fn text(status: StatusCode, text: String) -> Response<String> {
    let mut response = Response::new(text);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    if status == StatusCode::UPGRADE_REQUIRED {
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    }
    response
}
