//! One request, from its admission to its answer.

use std::fmt;
use std::sync::Arc;

use byokey_auth::{AuthManager, Lease};
use byokey_base::places::Places;
use byokey_rpc::websocket::{PortGuard, SenderRefusal};
use futures_util::stream;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, UPGRADE};
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::sync::Semaphore;

use super::body::{AnswerBody, Chunks, HeldBody, Room, SharedBody};
use super::counts::Counts;
use super::error::{self, Refusal};
use super::listener::{Entrance, MAX_CONNECTIONS, MAX_UNADMITTED, NotAdmitted};
use super::routes::{self, Action, Dialect, Route};
use super::{Owner, forward, models, whoami};
use crate::backend::{
    AnswerStream, Backend, BackendError, Forwarded, ForwardedAnswer, ForwardedBody,
};

/// What all connections of a gateway share.
pub(super) struct Shared {
    guard: PortGuard,
    backend: Arc<Backend>,
    auth: Arc<AuthManager>,
    owner: Owner,
    /// Connections that have not shown the bearer yet.
    pub(super) unadmitted: Arc<Places>,
    connections: Arc<Semaphore>,
    bodies: Arc<Room>,
    counts: Arc<Counts>,
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
    pub(super) fn new(
        guard: PortGuard,
        backend: Arc<Backend>,
        auth: Arc<AuthManager>,
        owner: Owner,
        counts: Arc<Counts>,
    ) -> Self {
        Self {
            guard,
            backend,
            auth,
            owner,
            unadmitted: Places::new(MAX_UNADMITTED),
            connections: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            bodies: Arc::default(),
            counts,
        }
    }
}

/// Answers a request.
pub(super) async fn answer(
    request: Request<Incoming>,
    entrance: &Entrance,
    shared: &Arc<Shared>,
) -> Result<Response<AnswerBody>, Dropped> {
    let answer = match admit(&request, entrance, shared).await? {
        Ok(()) => admitted(request, shared).await,
        Err(refusal) => {
            shared.counts.refuse();
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
    shared: &Arc<Shared>,
) -> Result<Response<AnswerBody>, Refusal> {
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
        if shared.counts.unknown(method, path) {
            tracing::info!(
                "the gateway was asked for what it does not offer; see `byokey gateway status`"
            );
        }
        let text = "this gateway does not offer that address.";
        return Err(Refusal::new(StatusCode::NOT_FOUND, "not_found", text));
    };
    shared.counts.route(number);
    let lease = shared
        .auth
        .lease()
        .filter(|lease| !shared.auth.needs_reauth() || lease.credential.chatgpt().is_none());
    if lease
        .as_ref()
        .is_some_and(|lease| !shared.owner.may_use(lease))
    {
        return Err(foreign_login());
    }
    match route.action {
        Action::Refused(why) => Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "unsupported",
            format!("{why}."),
        )),
        Action::Whoami => Ok(error::json(&whoami::of(lease.as_ref())?)),
        Action::Account(_)
            if lease
                .as_ref()
                .is_some_and(|it| it.credential.chatgpt().is_none()) =>
        {
            Err(Refusal::no_chatgpt_account())
        }
        Action::Account(_) => call(shared, route, lease, request, None).await,
        Action::Models(dialect) => {
            let answer = call(shared, route, lease, request, None).await?;
            Ok(match dialect {
                Dialect::Codex => answer,
                Dialect::Api => for_both(answer),
            })
        }
        Action::Responses => {
            let (head, body) = request.into_parts();
            let body = HeldBody::read(body, &shared.bodies).await?.into_shared();
            let request = Request::from_parts(head, ());
            call(shared, route, lease, request, Some(body)).await
        }
    }
}

/// Makes the call of a route.
async fn call<B>(
    shared: &Arc<Shared>,
    route: &Route,
    lease: Option<Lease>,
    request: Request<B>,
    body: Option<SharedBody>,
) -> Result<Response<AnswerBody>, Refusal> {
    let Some((service, path)) = route.action.upstream() else {
        return Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "there is nothing here.",
        ));
    };
    let is_read_here = matches!(route.action, Action::Models(Dialect::Api));
    let headers = forward::there(request.headers(), is_read_here);
    let config = shared.backend.config();
    let version = format!("client_version={}", config.codex_version);
    let query = match (request.uri().query(), route.action) {
        (Some(query), _) => Some(query),
        // The ChatGPT backend lists no model without it.
        (None, Action::Models(_)) if shared.backend.is_for_chatgpt(lease.as_ref()) => {
            Some(version.as_str())
        }
        (None, _) => None,
    };
    let forwarded = Forwarded {
        service,
        path,
        query,
        headers: &headers,
        body: body.as_ref().map(|body| body.bytes.clone()),
    };
    let owner = shared.owner;
    let admits = |lease: Option<&Lease>| lease.is_none_or(|lease| owner.may_use(lease));
    // A future of its own, so that a connection that waits stays small.
    let answer = Box::pin(shared.backend.forward(lease, forwarded, &admits)).await;
    // The answer has begun, so the call is not repeated any more.
    drop(body);
    Ok(match answer {
        Ok(answer) => streamed(answer),
        Err(BackendError::AuthRequired)
            if shared
                .auth
                .lease()
                .is_some_and(|lease| !shared.owner.may_use(&lease)) =>
        {
            return Err(foreign_login());
        }
        Err(error) => error::answer(error),
    })
}

fn foreign_login() -> Refusal {
    let text = "the login in force belongs to another program, which has not given it to this \
                gateway.";
    Refusal::new(StatusCode::FORBIDDEN, "foreign_login", text)
}

/// Returns the answer of the backend for the client.
fn streamed(answer: ForwardedAnswer) -> Response<AnswerBody> {
    let body = match answer.body {
        ForwardedBody::Whole(bytes) => AnswerBody::whole(bytes),
        ForwardedBody::Stream(stream) => AnswerBody::Stream(chunks(stream)),
    };
    let mut response = Response::new(body);
    *response.status_mut() = answer.status;
    *response.headers_mut() = forward::back(&answer.headers);
    response
}

fn chunks(answer: AnswerStream) -> Chunks {
    Box::pin(stream::unfold(Some(answer), |answer| async {
        let mut answer = answer?;
        match answer.next().await {
            Ok(None) => None,
            Ok(Some(chunk)) => Some((Ok(chunk), Some(answer))),
            Err(broken) => Some((Err(broken), None)),
        }
    }))
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
