//! The HTTP side of a WebSocket connection: health checks and admission.
//!
//! A connection carries one request. A refusal states its reason in plain text. That of a bad
//! bearer is delayed, and holds no place among the handshakes meanwhile. The rules are in `guard`.

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
use super::guard::PortGuard;
use super::refusal::SenderRefusal;
use byokey_base::clock::Clock;
use byokey_base::places::Place;

/// The deadline of a handshake: the bound against slowloris clients, with [`MAX_HEAD`].
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);
/// Longest request head, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// Decides which clients are admitted.
pub struct Admission {
    /// The checks of a port. `None` where the listener itself admits only our user.
    guard: Option<PortGuard>,
    /// The free connection slots.
    permits: Arc<Semaphore>,
}

/// What a connection holds until it is admitted or refused.
#[derive(Debug, Default)]
pub struct Entrance {
    handshake: Option<Place>,
    permit: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Entrance {
    /// A connection that holds a place among the handshakes, or counts as a connection already.
    #[must_use]
    pub fn new(handshake: Option<Place>, permit: Option<OwnedSemaphorePermit>) -> Self {
        Self {
            handshake,
            permit: Mutex::new(permit),
        }
    }

    /// Waits until the connection has to leave its place among the handshakes.
    pub async fn evicted(&self) {
        match &self.handshake {
            Some(handshake) => handshake.evicted().await,
            None => std::future::pending().await,
        }
    }

    /// Gives the place among the handshakes back.
    fn leave(&self) -> Result<(), Refused> {
        let is_in_time = self.handshake.as_ref().is_none_or(Place::release);
        is_in_time.then_some(()).ok_or(Refused::Dropped)
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").finish_non_exhaustive()
    }
}

/// An admitted client.
#[derive(Debug)]
pub struct Admitted {
    /// Its stream.
    pub stream: TokioIo<Upgraded>,
    /// Its connection slot.
    pub permit: OwnedSemaphorePermit,
    /// When its bearer expires, in Unix seconds.
    pub until: Option<i64>,
}

/// How a request is refused.
#[derive(Debug)]
enum Refused {
    /// With an answer.
    Answered(Refusal),
    /// Without one: others need its place.
    Dropped,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Refused {}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::Answered(refusal)
    }
}

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
pub async fn accept_upgrade<S>(
    stream: S,
    admission: &Admission,
    entrance: &Entrance,
) -> Option<Admitted>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let admitted = Mutex::new(None);
    let service = service_fn(async |request: Request<Incoming>| {
        Ok(match admission.decide(request, entrance).await {
            Ok(Decision::HealthCheck) => text(StatusCode::OK, "ok\n".to_owned()),
            Ok(Decision::Upgrade {
                upgrade,
                permit,
                until,
                response,
            }) => {
                *admitted.lock().await = Some((upgrade, permit, until));
                response
            }
            Err(Refused::Answered(refusal)) => text(refusal.status, format!("{}\n", refusal.text)),
            Err(dropped) => return Err(dropped),
        })
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
    let (upgrade, permit, until) = admitted.into_inner()?;
    let stream = TokioIo::new(upgrade.await.ok()?);
    Some(Admitted {
        stream,
        permit,
        until,
    })
}

enum Decision {
    /// A health check.
    HealthCheck,
    /// An admitted client.
    Upgrade {
        upgrade: OnUpgrade,
        permit: OwnedSemaphorePermit,
        until: Option<i64>,
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
        Self {
            guard: Some(PortGuard::new(listening, bearers, clock)),
            permits,
        }
    }

    /// Waits until a bearer that expires then is good no longer.
    pub async fn expired(&self, until: Option<i64>) {
        match (&self.guard, until) {
            (Some(guard), Some(until)) => guard.expired(until).await,
            _ => std::future::pending().await,
        }
    }

    async fn decide(
        &self,
        request: Request<Incoming>,
        entrance: &Entrance,
    ) -> Result<Decision, Refused> {
        let headers = request.headers();
        let sender = match &self.guard {
            Some(guard) => guard.check_sender(headers),
            None if headers.contains_key(ORIGIN) => Err(SenderRefusal::WebPage),
            None => Ok(()),
        };
        sender.map_err(|refusal| Refusal::new(StatusCode::FORBIDDEN, refusal.to_string()))?;
        let is_get = request.method() == Method::GET;
        if is_get && matches!(request.uri().path(), "/readyz" | "/healthz") {
            return Ok(Decision::HealthCheck);
        }
        let mut until = None;
        if let Some(guard) = &self.guard {
            match guard.check_bearer(headers) {
                Ok(expiry) => until = expiry,
                Err(refusal) => {
                    let delay = guard.delay();
                    // No place that a good bearer needs is held meanwhile.
                    entrance.leave()?;
                    if !delay.is_answered().await {
                        return Err(Refused::Dropped);
                    }
                    let text = refusal.to_string();
                    return Err(Refusal::new(StatusCode::UNAUTHORIZED, text).into());
                }
            }
        }
        let accept = accept_key(&request)?;
        entrance.leave()?;
        let permit = entrance.permit.lock().await.take();
        let free = || Arc::clone(&self.permits).try_acquire_owned().ok();
        let Some(permit) = permit.or_else(free) else {
            let text = "too many connections; close one or raise --max-connections";
            return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, text).into());
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
            until,
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
