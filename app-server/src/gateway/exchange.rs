//! One request, from its admission to its answer.

use std::fmt;
use std::sync::Arc;

use byokey_auth::{AuthManager, Lease};
use byokey_base::places::Places;
use byokey_rpc::websocket::{PortGuard, SenderRefusal};
use http::header::{CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, UPGRADE};
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::sync::Semaphore;

use super::body::{AnswerBody, Cut, HeldBody, Room, SharedBody, StoreWatch};
use super::counts::Counts;
use super::error::{self, Refusal};
use super::fit::{Wants, fit};
use super::listener::{Entrance, MAX_CONNECTIONS, MAX_UNADMITTED, NotAdmitted};
use super::record::Recorder;
use super::routes::{self, Action, Dialect, Route};
use super::turn::{self, Passing};
use super::{Owner, forward, models, whoami};
use crate::backend::{Backend, BackendError, Forwarded, ForwardedAnswer, Unrouted};

/// The header of requests in codex's short form.
const LITE_FORM: &str = "x-openai-internal-codex-responses-lite";

/// What all connections of a gateway share.
pub(super) struct Shared {
    guard: PortGuard,
    served: Served,
    /// Connections that have not shown the bearer yet.
    pub(super) unadmitted: Arc<Places>,
    connections: Arc<Semaphore>,
    bodies: Arc<Room>,
}

/// What is served.
pub(super) struct Served {
    pub(super) backend: Arc<Backend>,
    pub(super) auth: Arc<AuthManager>,
    pub(super) owner: Owner,
    pub(super) recorder: Option<Arc<Recorder>>,
    pub(super) counts: Arc<Counts>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// The connection has to go without an answer: others need its place.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("dropped")]
pub(super) struct Dropped;

impl Shared {
    pub(super) fn new(guard: PortGuard, served: Served) -> Self {
        Self {
            guard,
            served,
            unadmitted: Places::new(MAX_UNADMITTED),
            connections: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            bodies: Arc::default(),
        }
    }
}

/// Answers a request.
pub(super) async fn answer(
    request: Request<Incoming>,
    entrance: &Entrance,
    shared: &Shared,
) -> Result<Response<AnswerBody>, Dropped> {
    let answer = match admit(&request, entrance, shared).await? {
        Ok(()) => admitted(request, entrance, shared).await,
        Err(refusal) => {
            shared.served.counts.refuse();
            let mut response = refusal.into_response();
            let headers = response.headers_mut();
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
            return Ok(response);
        }
    };
    Ok(answer.unwrap_or_else(Refusal::into_response))
}

/// Checks the sender and the bearer of a request. Nothing of its body is read before.
async fn admit(
    request: &Request<Incoming>,
    entrance: &Entrance,
    shared: &Shared,
) -> Result<Result<(), Refusal>, Dropped> {
    let headers = request.headers();
    if let Err(refusal) = shared.guard.check_sender(headers) {
        let code = match refusal {
            SenderRefusal::WebPage => "web_page",
            SenderRefusal::Host => "host",
        };
        return Ok(Err(Refusal::new(
            StatusCode::FORBIDDEN,
            code,
            format!("{refusal}."),
        )));
    }
    if shared.guard.check_bearer(headers).is_err() {
        let delay = shared.guard.delay();
        // No place that a good bearer needs is held meanwhile.
        entrance.leave();
        if !delay.is_answered().await {
            return Err(Dropped);
        }
        let text = "the key of this gateway is missing or wrong. It is good for one run of the \
                    gateway: `byokey gateway key` prints it.";
        return Ok(Err(Refusal::new(
            StatusCode::UNAUTHORIZED,
            "gateway_key",
            text,
        )));
    }
    match entrance.admit(&shared.connections) {
        Ok(()) => Ok(Ok(())),
        Err(NotAdmitted::Evicted) => Err(Dropped),
        Err(NotAdmitted::Full) => {
            let text = "too many connections. Try again when one is closed.";
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Ok(Err(Refusal::new(status, "too_many_connections", text)))
        }
    }
}

async fn admitted(
    request: Request<Incoming>,
    entrance: &Entrance,
    shared: &Shared,
) -> Result<Response<AnswerBody>, Refusal> {
    let Served {
        auth,
        owner,
        counts,
        ..
    } = &shared.served;
    let (method, path) = (request.method(), request.uri().path());
    if request.headers().contains_key(UPGRADE) && routes::is_for_responses(path) {
        // Clients that try a WebSocket first go on over HTTP at once.
        let text = "there is no WebSocket here; use HTTP.";
        return Err(Refusal::new(
            StatusCode::UPGRADE_REQUIRED,
            "no_websocket",
            text,
        ));
    }
    // An address with a host is for a proxy.
    let is_for_proxy = request.uri().authority().is_some();
    let Some((number, route)) = routes::find(method, path).filter(|_| !is_for_proxy) else {
        if counts.unknown(method, path) {
            tracing::info!("the gateway was asked for an address that it does not offer");
        }
        let text = "this gateway does not offer that address.";
        return Err(Refusal::new(StatusCode::NOT_FOUND, "not_found", text));
    };
    counts.route(number);
    auth.follow_store().await;
    // A login that cannot be renewed any more is none.
    let lease = auth.lease().filter(|_| !auth.needs_reauth());
    if lease.as_ref().is_some_and(|lease| !owner.may_use(lease)) {
        return Err(foreign_login());
    }
    let is_other = |lease: &Lease| lease.credential.chatgpt().is_none();
    let (head, body) = request.into_parts();
    match route.action {
        Action::Refused(why) => Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "unsupported",
            format!("{why}."),
        )),
        Action::Whoami => Ok(error::json(&whoami::of(lease.as_ref())?)),
        Action::Account(_) if lease.as_ref().is_some_and(is_other) => {
            Err(Refusal::no_chatgpt_account())
        }
        Action::Account(_) | Action::Models(Dialect::Codex) => {
            Ok(match call(shared, route, lease, &head, None, false).await {
                Ok(answer) => turn::answer(answer, Passing::AsItIs, None).await,
                Err(error) => error::answer(error),
            })
        }
        Action::Models(Dialect::Api) => {
            Ok(match call(shared, route, lease, &head, None, true).await {
                Ok(answer) => for_both(turn::answer(answer, Passing::AsItIs, None).await),
                Err(error) => error::answer(error),
            })
        }
        Action::Responses(dialect) => {
            let body = HeldBody::read(body, &shared.bodies).await?;
            let signed_out = lease.as_ref().map(Lease::signed_out);
            let watch = StoreWatch::new(auth);
            let answer = Box::pin(respond(shared, (route, dialect), lease, &head, body)).await;
            Ok(answer.map(|body| match (body, signed_out) {
                (AnswerBody::Stream { chunks, .. }, Some(signed_out)) => {
                    let _cut = Some(Cut::new(signed_out, Arc::clone(&entrance.cut), watch));
                    AnswerBody::Stream { chunks, _cut }
                }
                (body, _) => body,
            }))
        }
    }
}

/// Makes a model request.
async fn respond(
    shared: &Shared,
    (route, dialect): (&Route, Dialect),
    lease: Option<Lease>,
    head: &Parts,
    mut body: HeldBody,
) -> Response<AnswerBody> {
    let Served {
        backend, recorder, ..
    } = &shared.served;
    let recorder = recorder.as_ref();
    let mut turn = recorder
        .map(|recorder| recorder.begin(&head.headers, &body.bytes, lease.as_ref(), &shared.bodies));
    // codex's own short form has no instructions, and the backend refuses them in it.
    let is_fitted = dialect == Dialect::Api
        && !head.headers.contains_key(CONTENT_ENCODING)
        && !head.headers.contains_key(LITE_FORM)
        && backend.is_for_chatgpt(lease.as_ref());
    let passing = match is_fitted.then(|| fit(&mut body.bytes)) {
        None => Passing::AsItIs,
        Some(Wants::Stream) => Passing::Events,
        Some(Wants::Whole) => Passing::Whole,
    };
    let is_read_here = turn.is_some() || passing != Passing::AsItIs;
    let body = Some(body.into_shared());
    match call(shared, route, lease, head, body, is_read_here).await {
        Ok(answer) => {
            if let Some(turn) = &mut turn {
                turn.answered(answer.status);
            }
            turn::answer(answer, passing, turn).await
        }
        Err(error) => {
            let answer = error::answer(error);
            if let Some(turn) = &mut turn {
                turn.answered(answer.status());
            }
            answer
        }
    }
}

/// Makes the call of a route. Its body is held until the answer begins: until then the call may be
/// repeated.
async fn call(
    shared: &Shared,
    route: &Route,
    lease: Option<Lease>,
    head: &Parts,
    body: Option<SharedBody>,
    is_read_here: bool,
) -> Result<ForwardedAnswer, BackendError> {
    let Served {
        backend,
        owner,
        counts,
        ..
    } = &shared.served;
    let Some((service, path)) = route.action.upstream() else {
        return Err(BackendError::UnexpectedBody);
    };
    let headers = forward::there(&head.headers, is_read_here);
    let version = format!("client_version={}", backend.config().codex_version);
    let query = match (head.uri.query(), route.action) {
        (Some(query), _) => Some(query),
        // The ChatGPT backend lists no model without it.
        (None, Action::Models(_)) if backend.is_for_chatgpt(lease.as_ref()) => {
            Some(version.as_str())
        }
        (None, _) => None,
    };
    // A client of HTTP has no place for a warning.
    let on_unrouted = |unrouted: &Unrouted| {
        if counts.unrouted(unrouted.lookup) {
            let why = &unrouted.why;
            tracing::warn!(
                "the routing of the workspace is not known ({why}), so its model calls go to the \
                 default backend"
            );
        }
    };
    let forwarded = Forwarded {
        service,
        path,
        query,
        headers: &headers,
        body: body.as_ref().map(|body| body.bytes.clone()),
        on_unrouted: &on_unrouted,
    };
    let admits = |lease: Option<&Lease>| lease.is_none_or(|lease| owner.may_use(lease));
    // A future of its own, so that a connection that waits stays small.
    Box::pin(backend.forward(lease, forwarded, &admits)).await
}

fn foreign_login() -> Refusal {
    let text = "the login in force belongs to another program, which has not given it to this \
                gateway.";
    Refusal::new(StatusCode::FORBIDDEN, "foreign_login", text)
}

/// Adds what clients of the API look for in the list of models.
fn for_both(answer: Response<AnswerBody>) -> Response<AnswerBody> {
    let (mut head, body) = answer.into_parts();
    let list = match &body {
        AnswerBody::Whole(Some(list)) if head.status.is_success() => models::with_data(list),
        _ => None,
    };
    match list {
        None => Response::from_parts(head, body),
        Some(list) => {
            for name in [CONTENT_LENGTH, ETAG] {
                head.headers.remove(name);
            }
            head.headers
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Response::from_parts(head, AnswerBody::whole(list.into()))
        }
    }
}
