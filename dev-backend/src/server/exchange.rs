//! One request, from its arrival to its response.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};
use tokio::sync::watch;

use crate::answer::ending::{Dropped, Ending};
use crate::answer::reply::Reply;
use crate::answer::stream::Pacing;
use crate::answer::usage::TokenUsage;
use crate::answer::whole::{Answer, Body};
use crate::checks::caller;
use crate::defaults;
use crate::issuer::Issuer;
use crate::presets;
use crate::request::dialect::Dialect;
use crate::request::observe::{Exchange, Outcome};
use crate::request::record::{Journal, RecordedRequest};
use crate::request::route::Route;
use crate::script::cursor::ScriptCursor;
use crate::script::step::{Content, Step};
use crate::server::connections::Counters;
use crate::server::gate::Gates;
use crate::server::options::{Observer, Options};
use crate::settings::measured::Settings;
use crate::state::memory::Memory;
use crate::state::reset_credits::SpentCredits;

/// Longest request body, in bytes.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// State shared by the handle and the connections.
pub(crate) struct Shared {
    pub(crate) journal: watch::Sender<Journal>,
    pub(crate) gates: Gates,
    pub(crate) connections: Counters,
    cursor: Mutex<ScriptCursor>,
    keep_requests: usize,
    observer: Option<Observer>,
    /// Counts the replies, so that their ids differ.
    replies: AtomicU64,
    issuer: Issuer,
    memory: Mutex<Memory>,
    spent_credits: Mutex<SpentCredits>,
}

impl Shared {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            journal: watch::Sender::default(),
            gates: Gates::default(),
            connections: Counters::default(),
            cursor: Mutex::new(ScriptCursor::new(options.script)),
            keep_requests: options.keep_requests,
            observer: options.observer,
            replies: AtomicU64::new(1),
            issuer: Issuer::default(),
            memory: Mutex::default(),
            spent_credits: Mutex::default(),
        }
    }

    pub(crate) fn cursor(&self) -> MutexGuard<'_, ScriptCursor> {
        self.cursor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn observe(&self, request: &RecordedRequest, outcome: Outcome) {
        if let Some(observer) = &self.observer {
            observer(&Exchange::new(request, outcome));
        }
    }
}

/// The decision about a request.
enum Decision {
    Answer(Response<Body>),
    Hang,
    Drop,
}

/// Answers a request, or fails to if the script says so.
pub(crate) async fn answer(
    shared: &Shared,
    request: Request<Incoming>,
) -> Result<Response<Body>, Dropped> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY).collect().await;
    let whole = body.is_ok();
    let body = body.map_or_else(|_| Bytes::new(), |body| body.to_bytes());
    let request = RecordedRequest::new(parts, body);
    shared
        .journal
        .send_modify(|journal| journal.add(request.clone(), shared.keep_requests));

    let decision = if whole {
        decide(shared, &request).await
    } else {
        too_large()
    };
    match decision {
        Decision::Answer(response) => {
            shared.observe(&request, Outcome::Status(response.status()));
            Ok(response)
        }
        Decision::Hang => {
            shared.observe(&request, Outcome::Hang);
            std::future::pending().await
        }
        Decision::Drop => {
            shared.observe(&request, Outcome::Drop);
            Err(Dropped)
        }
    }
}

fn too_large() -> Decision {
    refuse(Answer::error(
        StatusCode::PAYLOAD_TOO_LARGE,
        "the request body is too large",
    ))
}

async fn decide(shared: &Shared, request: &RecordedRequest) -> Decision {
    let Some(route) = request.route else {
        let message = format!("no such route: {} {}", request.method, request.plain_path());
        return refuse(Answer::error(StatusCode::NOT_FOUND, &message));
    };
    shared.gates.pass(route).await;
    let (step, settings) = {
        let mut cursor = shared.cursor();
        let settings = Arc::clone(&cursor.settings);
        if let Some(challenge) = caller::challenge(request, &settings) {
            return refuse(challenge);
        }
        let admitted = match route {
            // Made in the background after a login, so no host can know whether it came first.
            Route::AccountsCheck => cursor.bearers.admit_uncounted(request.bearer()),
            _ => cursor.bearers.admit(request.bearer()),
        };
        if route.needs_bearer() && !admitted {
            return refuse(caller::unauthorized(request, settings.odd));
        }
        if let Some(refusal) = shared.memory().refusal(route, request, &settings) {
            return refuse(refusal);
        }
        (cursor.next_step(route), settings)
    };
    if !step.delay.is_zero() {
        tokio::time::sleep(step.delay).await;
    }
    perform(shared, request, route, step, &settings).await
}

/// Refuses a request. It does not advance the script.
fn refuse(refusal: Answer) -> Decision {
    Decision::Answer(refusal.into_response())
}

/// Executes a step.
async fn perform(
    shared: &Shared,
    request: &RecordedRequest,
    route: Route,
    step: Step,
    settings: &Settings,
) -> Decision {
    let mut id = 0;
    let mut usage = TokenUsage::default();
    let is_answered = !matches!(
        step.content,
        Content::Plain { .. } | Content::Events(_) | Content::Raw(_) | Content::Endless { .. }
    );
    if route == Route::Responses && is_answered {
        id = shared.replies.fetch_add(1, Ordering::Relaxed);
        usage = shared.memory().charge(request);
    }
    let odd = settings.odd;
    let answer = match (step.content, step.ending) {
        (Content::Default, Ending::Hang) => return Decision::Hang,
        (Content::Default, Ending::Drop) => return Decision::Drop,
        (Content::Default, Ending::Finish) => defaults::answer::answer(
            route,
            &defaults::answer::Context {
                request,
                settings,
                issuer: &shared.issuer,
                spent_credits: &shared.spent_credits,
                id,
                usage,
            },
        ),
        (Content::Preset(preset), _) => (preset.answer)(&presets::preset::Context {
            request,
            id,
            usage,
            odd,
        }),
        (Content::Plain { status, body }, _) => Answer::plain(status, body),
        (Content::Events(events), _) => Answer::events(events),
        (Content::Raw(pieces), _) => Answer::raw(pieces),
        (Content::Endless { status, what, most }, _) => Answer::endless(status, what, most),
        (
            Content::Text {
                pieces,
                usage: given,
            },
            ending,
        ) => {
            let usage = given.unwrap_or(TokenUsage {
                output_tokens: u64::try_from(pieces.len()).unwrap_or(u64::MAX),
                ..usage
            });
            let reply = Reply::new(id, request, pieces, usage, odd);
            Answer::events(match ending {
                Ending::Finish => reply.events(),
                // A reply that breaks off must do so before its end.
                Ending::Hang | Ending::Drop => reply.opening_events(),
            })
        }
    };
    if route == Route::Responses {
        shared.memory().remember(request, answer.sent_events());
    }
    let answer = if odd && answer.is_stream() && Dialect::of(request) != Dialect::Api {
        answer.without_content_type()
    } else {
        answer
    };
    let pacing = Pacing {
        pause: step.delta_delay,
        drip: step.drip,
        ending: step.ending,
        idle_limit: settings
            .unpublished
            .stream_idle_seconds
            .map(Duration::from_secs),
    };
    let answer = answer.with_headers(step.headers);
    if !answer.delay().is_zero() {
        tokio::time::sleep(answer.delay()).await;
    }
    Decision::Answer(answer.into_response_with(pacing))
}
