//! One connection, and one request on it.
//!
//! The HTTP library opens it, so that proxies, certificates and deadlines are its own: a layer around
//! its connector keeps the connection and lets the library's own request fail. The request is sent
//! with hyper, the library below, whose buffers can be chosen: what many connections hold of answers
//! that is not read yet is memory.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
#[cfg(feature = "http2")]
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, HOST};
use http::{HeaderMap, HeaderValue, Method, Uri};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1;
#[cfg(feature = "http2")]
use hyper::client::conn::http2;
use hyper::rt::{Read, Write};
use hyper_util::client::legacy::connect::Connection;
use reqwest::{Body, Response};
use tower_layer::Layer;
use tower_service::Service;
use url::Url;

use crate::explain::chain;

/// Longest head of an HTTP/1.1 answer, and most bytes that are read of one at once. That of HTTP/2 is
/// the same.
const MAX_HEAD: usize = 16 * 1024;

/// What an HTTP/2 server may send before it is read, while few connections are open: an answer of
/// this length waits for no round trip.
#[cfg(feature = "http2")]
const WIDE_WINDOW: u32 = 128 * 1024;

/// The same while many are. The bandwidth is shared then.
#[cfg(feature = "http2")]
const WINDOW: u32 = 16 * 1024;

/// How many connections are few.
#[cfg(feature = "http2")]
const FEW: usize = 8;

type BoxError = Box<dyn Error + Send + Sync>;

/// Runs a connection. It ends with the connection.
pub(crate) type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The number of open connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connections(Arc<AtomicUsize>);

/// Counts a connection until it is dropped.
struct Counted(Connections);

impl Connections {
    /// Counts another one. Returns how many there were as well.
    fn count(&self) -> (Counted, usize) {
        let before = self.0.fetch_add(1, Ordering::Relaxed);
        (Counted(self.clone()), before)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a connector makes. The library does not name its type.
pub(crate) trait Io: Read + Write + Send + Unpin {}

impl<C: Read + Write + Send + Unpin> Io for C {}

/// A connection on which nothing was sent but what TLS and proxies need.
pub(crate) struct Connected {
    pub(crate) io: Box<dyn Io>,
    pub(crate) is_http2: bool,
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
    /// The head of the answer is too long, or cannot be read: another one would be, too.
    UnreadableHead,
}

impl Connected {
    /// Begins to speak HTTP. Returns what sends a request, and what runs the connection. None where
    /// it broke off.
    ///
    /// With `keep_alive`, an HTTP/2 server that is silent for so long while a request is unanswered
    /// is asked for a sign of life.
    pub(crate) async fn begin(
        self,
        connections: &Connections,
        #[cfg(feature = "http2")] keep_alive: Option<Duration>,
    ) -> Option<(Sender, Running)> {
        #[cfg_attr(
            not(feature = "http2"),
            expect(unused_variables, reason = "HTTP/1.1 has no windows")
        )]
        let (counted, others) = connections.count();
        #[cfg(feature = "http2")]
        if self.is_http2 {
            let executor = hyper_util::rt::TokioExecutor::new();
            let window = if others < FEW { WIDE_WINDOW } else { WINDOW };
            let mut builder = http2::Builder::new(executor);
            builder
                .initial_stream_window_size(window)
                .initial_connection_window_size(WIDE_WINDOW)
                .timer(hyper_util::rt::TokioTimer::new());
            if let Some(time) = keep_alive {
                builder.keep_alive_interval(time).keep_alive_timeout(time);
            }
            let (sender, connection) = builder.handshake(self.io).await.ok()?;
            return Some((Sender::Http2(sender), running(connection, counted)));
        }
        let mut builder = http1::Builder::new();
        builder.max_buf_size(MAX_HEAD);
        let (sender, connection) = builder.handshake(self.io).await.ok()?;
        Some((Sender::Http1(sender), running(connection, counted)))
    }
}

fn running<E>(
    connection: impl Future<Output = Result<(), E>> + Send + 'static,
    counted: Counted,
) -> Running {
    Box::pin(async move {
        drop(connection.await);
        drop(counted);
    })
}

impl Sender {
    /// Whether the connection is known to be closed.
    pub(crate) fn is_closed(&self) -> bool {
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
    } else if error.error().is_parse_too_large() || is_unreadable(error.error()) {
        NotSent::UnreadableHead
    } else {
        NotSent::Perhaps
    }
}

/// Returns whether this side ended the stream or the connection of HTTP/2, as it does for a head
/// that is too long.
#[cfg(feature = "http2")]
fn is_unreadable(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref());
    cause.is_some_and(|cause: &h2::Error| {
        let reasons = [
            h2::Reason::PROTOCOL_ERROR,
            h2::Reason::COMPRESSION_ERROR,
            h2::Reason::ENHANCE_YOUR_CALM,
        ];
        cause.is_library() && cause.reason().is_some_and(|it| reasons.contains(&it))
    })
}

#[cfg(not(feature = "http2"))]
const fn is_unreadable(_: &hyper::Error) -> bool {
    false
}

#[cfg(feature = "http2")]
fn is_refused(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref());
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

/// A layer around a connector that hands the connection over in the error of the library's request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HandOver;

/// A connector with that layer.
#[derive(Clone)]
pub(crate) struct HandingOver<S>(S);

/// The error, which the library passes on. Anyone with a reference to it may take the connection.
struct HandedOver(Mutex<Option<Connected>>);

/// Returns the connection in the error of the library's request.
pub(crate) fn handed_over(error: &reqwest::Error) -> Option<Connected> {
    let handed_over: &HandedOver = chain(error).find_map(|cause| cause.downcast_ref())?;
    let mut connection = handed_over.0.lock().unwrap_or_else(PoisonError::into_inner);
    connection.take()
}

impl fmt::Debug for HandedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandedOver").finish_non_exhaustive()
    }
}

impl fmt::Display for HandedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was handed over")
    }
}

impl Error for HandedOver {}

impl<S> Layer<S> for HandOver {
    type Service = HandingOver<S>;

    fn layer(&self, connector: S) -> HandingOver<S> {
        HandingOver(connector)
    }
}

impl<S, R, C> Service<R> for HandingOver<S>
where
    S: Service<R, Response = C, Error = BoxError>,
    S::Future: Send + 'static,
    C: Io + Connection + 'static,
{
    type Response = C;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, target: R) -> Self::Future {
        let connecting = self.0.call(target);
        Box::pin(async move {
            let io = connecting.await?;
            let connected = Connected {
                is_http2: cfg!(feature = "http2") && io.connected().is_negotiated_h2(),
                io: Box::new(io),
            };
            Err(HandedOver(Mutex::new(Some(connected))).into())
        })
    }
}
