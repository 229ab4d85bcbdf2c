//! Opening a connection ahead, and sending a request on it.
//!
//! The HTTP library connects, so that proxies, certificates and deadlines are those of every call:
//! a layer around its connector keeps the connection and lets the library's own request fail. The
//! opening of HTTP/2 follows at once.

use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
#[cfg(any(feature = "http2", target_os = "linux", target_os = "android"))]
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, HOST};
use http::{HeaderMap, HeaderValue, Method, Uri};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1;
#[cfg(feature = "http2")]
use hyper::client::conn::http2;
use hyper_util::client::legacy::connect::Connection as _;
use reqwest::{Body, ClientBuilder, Response};
use tower_layer::Layer;
use tower_service::Service;
use url::Url;

use super::watched::Watched;

/// How long an HTTP/2 server may be silent during a request before it is asked for a sign of life,
/// and how long it may take for that.
///
/// Not where `MAX_UNACKNOWLEDGED` finds out the same: some servers end a connection with too many
/// pings, and with it the turn that they have not answered.
#[cfg(all(
    feature = "http2",
    not(any(target_os = "linux", target_os = "android"))
))]
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long bytes that were sent may stay unacknowledged. The network may have dropped a connection
/// that waited, without a word; TCP alone would repeat them for a quarter of an hour.
///
/// Linux and Android have a timer for that (`TCP_USER_TIMEOUT`, RFC 5482). Elsewhere the deadline of
/// the call ends it.
#[cfg(any(target_os = "linux", target_os = "android"))]
const MAX_UNACKNOWLEDGED: Duration = Duration::from_secs(10);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// An open connection.
pub(super) struct Opened {
    pub(super) sender: Sender,
    /// To be set when an answer may arrive.
    pub(super) is_taken: Arc<AtomicBool>,
    /// Runs it. It ends with the connection.
    pub(super) connection: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Sends one request.
pub(crate) enum Sender {
    Http1(http1::SendRequest<Body>),
    #[cfg(feature = "http2")]
    Http2(http2::SendRequest<Body>),
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotSent {
    /// The server certainly did not process the request.
    Certainly,
    /// The request may have been processed.
    Perhaps,
}

/// Opens a connection to the origin of this address. None where that fails: the call that needs one
/// will find out why.
pub(super) async fn open(builder: ClientBuilder, url: Url) -> Option<Opened> {
    let caught = Caught::default();
    let builder = builder.connector_layer(caught.clone());
    let client = with_unacknowledged(builder).build().ok()?;
    // Fails always, without having sent anything.
    drop(client.get(url).send().await);
    drop(client);
    let io = caught.take()?;
    let is_http2 = cfg!(feature = "http2") && io.connected().is_negotiated_h2();
    let is_taken = Arc::new(AtomicBool::new(false));
    let io = Watched::new(io, is_http2, Arc::clone(&is_taken));
    #[cfg(feature = "http2")]
    if is_http2 {
        let executor = hyper_util::rt::TokioExecutor::new();
        let builder = with_pings(http2::Builder::new(executor));
        let (sender, connection) = builder.handshake(io).await.ok()?;
        return Some(Opened {
            sender: Sender::Http2(sender),
            is_taken,
            connection: Box::pin(async move { drop(connection.await) }),
        });
    }
    let (sender, connection) = http1::handshake(io).await.ok()?;
    Some(Opened {
        sender: Sender::Http1(sender),
        is_taken,
        connection: Box::pin(async move { drop(connection.await) }),
    })
}

#[cfg(all(feature = "http2", any(target_os = "linux", target_os = "android")))]
const fn with_pings(
    builder: http2::Builder<hyper_util::rt::TokioExecutor>,
) -> http2::Builder<hyper_util::rt::TokioExecutor> {
    builder
}

/// Asks while a request is unanswered, so that an idle connection causes no wake-up.
#[cfg(all(
    feature = "http2",
    not(any(target_os = "linux", target_os = "android"))
))]
fn with_pings(
    mut builder: http2::Builder<hyper_util::rt::TokioExecutor>,
) -> http2::Builder<hyper_util::rt::TokioExecutor> {
    builder
        .timer(hyper_util::rt::TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE);
    builder
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn with_unacknowledged(builder: ClientBuilder) -> ClientBuilder {
    builder.tcp_user_timeout(MAX_UNACKNOWLEDGED)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn with_unacknowledged(builder: ClientBuilder) -> ClientBuilder {
    builder
}

impl Sender {
    /// Whether the connection is known to be closed.
    pub(super) fn is_closed(&self) -> bool {
        match self {
            Self::Http1(sender) => sender.is_closed(),
            #[cfg(feature = "http2")]
            Self::Http2(sender) => sender.is_closed(),
        }
    }

    /// Sends the request, and returns the answer, its body not yet read. The connection ends with
    /// the answer.
    pub(crate) async fn send(
        self,
        method: Method,
        url: &Url,
        mut headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Response, NotSent> {
        // As the library does for every other call.
        if !headers.contains_key(ACCEPT) {
            headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        }
        let mut request = http::Request::new(body.map_or_else(Body::default, Body::from));
        *request.method_mut() = method;
        // A URL that is not a URI was never sent.
        let uri = |text: &str| text.parse::<Uri>().map_err(|_| NotSent::Certainly);
        let sent = match self {
            Self::Http1(mut sender) => {
                let query = url.query().map(|query| format!("?{query}"));
                *request.uri_mut() = uri(&[url.path(), query.as_deref().unwrap_or("")].concat())?;
                let host = HeaderValue::try_from(crate::explain::host(url));
                headers
                    .entry(HOST)
                    .or_insert(host.map_err(|_| NotSent::Certainly)?);
                *request.headers_mut() = headers;
                sender.try_send_request(request).await
            }
            #[cfg(feature = "http2")]
            Self::Http2(mut sender) => {
                *request.uri_mut() = uri(url.as_str())?;
                *request.version_mut() = http::Version::HTTP_2;
                *request.headers_mut() = headers;
                sender.try_send_request(request).await
            }
        };
        sent.map(|response| response.map(Body::wrap).into())
            .map_err(|error| not_sent(&error))
    }
}

/// A request that comes back was not written. HTTP/2 servers also say which requests they did not
/// process (RFC 9113, section 8.7).
fn not_sent<T>(error: &TrySendError<T>) -> NotSent {
    if error.message().is_some() || is_refused(error.error()) {
        NotSent::Certainly
    } else {
        NotSent::Perhaps
    }
}

#[cfg(feature = "http2")]
fn is_refused(error: &hyper::Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref());
    cause.is_some_and(|cause: &h2::Error| {
        let reason = cause.reason();
        cause.is_remote()
            && (cause.is_reset() && reason == Some(h2::Reason::REFUSED_STREAM)
                || cause.is_go_away() && reason == Some(h2::Reason::NO_ERROR))
    })
}

#[cfg(not(feature = "http2"))]
const fn is_refused(_: &hyper::Error) -> bool {
    false
}

/// Keeps the connection that a connector makes. The library does not name its type.
struct Caught<C>(Arc<Mutex<Option<C>>>);

impl<C> Caught<C> {
    fn take(&self) -> Option<C> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, connection: C) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
    }
}

impl<C> Default for Caught<C> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<C> Clone for Caught<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S, C> Layer<S> for Caught<C> {
    type Service = Catching<S, C>;

    fn layer(&self, connector: S) -> Catching<S, C> {
        Catching {
            connector,
            caught: self.clone(),
        }
    }
}

/// A connector that keeps its connection for itself.
struct Catching<S, C> {
    connector: S,
    caught: Caught<C>,
}

impl<S: Clone, C> Clone for Catching<S, C> {
    fn clone(&self) -> Self {
        Self {
            connector: self.connector.clone(),
            caught: self.caught.clone(),
        }
    }
}

impl<S, R, C> Service<R> for Catching<S, C>
where
    S: Service<R, Response = C, Error = BoxError>,
    S::Future: Send + 'static,
    C: Send + 'static,
{
    type Response = C;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.connector.poll_ready(cx)
    }

    fn call(&mut self, target: R) -> Self::Future {
        let connecting = self.connector.call(target);
        let caught = self.caught.clone();
        Box::pin(async move {
            caught.put(connecting.await?);
            Err("opened ahead".into())
        })
    }
}
