//! The backend over HTTP: the ChatGPT backend or the OpenAI API, chosen by the credential.
//!
//! Every call goes through `Backend::send`, the only place that attaches a credential, recovers
//! from a 401 and retries. The calls themselves are in `account`, `models` and `responses`.

mod account;
mod body;
mod cookies;
mod destinations;
mod details;
mod error;
mod events;
#[cfg(feature = "gateway")]
mod forward;
mod headers;
mod lenient;
mod limits;
mod model_choice;
mod model_list;
mod models;
mod outcome;
mod provider_token;
mod rate_limits;
mod reason;
mod reasoning;
mod recovery;
mod request_body;
mod reset_credits;
mod responses;
mod retry;
mod room;
mod route;
mod sse;
mod standby;
mod usage;
mod wait;
mod workspace;

use std::fmt;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use byokey_http::{HttpClient, Request, Response};
use bytes::Bytes;
use http::Method;
use http::header::COOKIE;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

pub use destinations::{Destination, destinations};
pub use details::Cause;
pub use error::{BackendError, FailedStatus};
pub use events::Incomplete;
#[cfg(feature = "gateway")]
pub(crate) use forward::{
    AnswerStream, BrokenOff, Forwarded, ForwardedAnswer, ForwardedBody, FromClient,
};
pub use headers::Identity;
pub use limits::Limit;
pub(crate) use limits::{MAX_THREAD_REASONING, MAX_TURN_WAIT};
pub use model_choice::ModelChoice;
pub use models::Models;
pub(crate) use outcome::{Next, after_stream};
pub(crate) use rate_limits::LatestLimits;
pub use reason::Reason;
pub use reasoning::{OwnedReasoning, Reasoning};
pub use request_body::{ChatItem, ChatMessage, Role, TurnRequest};
pub use responses::{StreamFailure, TurnEvent, TurnStream};
pub(crate) use retry::delays;
pub use room::Part;
pub(crate) use room::of_text;
pub use route::Service;
#[cfg(feature = "gateway")]
pub(crate) use sse::{EventParser, RawEvent};
pub(crate) use wait::in_text as wait_text;
pub use workspace::{RoutingFailure, Unrouted, WorkspaceRoute};

use crate::config::{Config, LiveConfig};
use crate::process::token_commands::Runner;
use byokey_auth::{AccountIdentity, AuthManager, Generation, Lease};
use cookies::Cookies;
use limits::MAX_CALLS;
use outcome::may_recover;
use provider_token::{ProviderToken, ProviderTokens};
use request_body::Recipient;
use room::Rooms;
use route::{Carries, Route};
use standby::Refill;
use workspace::Workspaces;

/// Retries of a short call.
const CALL_RETRIES: u32 = 2;

/// The backend.
pub struct Backend {
    auth: Arc<AuthManager>,
    config: Arc<LiveConfig>,
    /// The originator.
    pub identity: Identity,
    http: Arc<HttpClient>,
    calls: Semaphore,
    rooms: Rooms,
    models: Models,
    provider_tokens: ProviderTokens,
    cookies: Cookies,
    /// The account whose connections are opened ahead.
    connects_for: Mutex<Option<AccountIdentity>>,
    workspaces: Workspaces,
    /// For tasks.
    me: Weak<Self>,
}

/// Decides under which credentials a call may be made; `None` is a call without the credential in
/// force.
pub type Admission<'a> = &'a (dyn Fn(Option<&Lease>) -> bool + Sync);

/// One HTTP request, before its destination and credential are decided.
pub(crate) struct Call<'a> {
    pub(crate) service: Service,
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Builds the body for the recipient, which may change with the credential.
    pub(crate) body: Option<&'a (dyn Fn(Recipient<'_>) -> Bytes + Sync)>,
    pub(crate) retries: u32,
    /// Whether a 401 is recovered from.
    pub(crate) renews: bool,
    /// Whether it fails rather than be made again for another account than that of its lease.
    pub(crate) keeps_account: bool,
    /// Hears that the call waits for a renewal of the credential.
    pub(crate) on_renewal: Option<&'a (dyn Fn(Renewal) + Sync)>,
    /// Hears that the routing of the workspace is not known. Calls without it are not routed.
    pub(crate) on_unrouted: Option<&'a (dyn Fn(&Unrouted) + Sync)>,
    /// Deadline from now until the response begins, the host's time for a refresh not counted.
    pub(crate) deadline: Duration,
    /// What a client of the gateway sends along. A refusal is then returned as it came.
    #[cfg(feature = "gateway")]
    pub(crate) from_client: Option<FromClient<'a>>,
}

/// The renewal of a refused credential, as a call that waits for it sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// It began, or another call had begun it.
    Started,
    /// It succeeded, and the call is made again.
    Completed,
}

impl Call<'_> {
    /// Returns a short call that reads something.
    pub(crate) fn get(service: Service, path: &'static str, deadline: Instant) -> Self {
        Self {
            service,
            method: Method::GET,
            path,
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            retries: CALL_RETRIES,
            renews: true,
            keeps_account: false,
            on_renewal: None,
            on_unrouted: None,
            deadline: deadline.saturating_duration_since(Instant::now()),
            #[cfg(feature = "gateway")]
            from_client: None,
        }
    }

    /// Returns whether a refusal is returned as it came.
    const fn keeps_refusal(&self) -> bool {
        #[cfg(feature = "gateway")]
        return self.from_client.is_some();
        #[cfg(not(feature = "gateway"))]
        false
    }
}

/// A successful response, before its body.
pub(crate) struct Answer<'a> {
    pub(crate) response: Response,
    /// The account of the call, if it carried the credential in force.
    pub(crate) account: Option<AccountIdentity>,
    /// The token of the provider's command, if the call carried one.
    token: Option<ProviderToken>,
    /// Deadline of a short call.
    deadline: Instant,
    /// The permit among the short calls in progress, until the body is read.
    _permit: Option<SemaphorePermit<'a>>,
    /// Prepares the next call when the body is read.
    refill: Refill,
}

/// What came of an attempt.
#[expect(
    clippy::large_enum_variant,
    reason = "one value lives from an answer to its caller"
)]
enum Attempt<'a> {
    /// A successful response.
    Answered(Answer<'a>),
    /// It was not sent: while it waited for its turn, a 401 refused the credential of this
    /// generation.
    KnownToBeRefused(Generation),
    /// It was not sent: while it waited for its turn, the token of the provider's command was
    /// replaced.
    KnownToBeReplaced,
}

/// What an attempt is made with.
#[derive(Clone, Copy)]
struct Carried<'a> {
    lease: Option<&'a Lease>,
    /// The generation of the lease, if it can be recovered from a 401.
    renewable: Option<Generation>,
    token: Option<&'a ProviderToken>,
    /// Whether a 401 has the token replaced.
    is_replaceable: bool,
    /// Where the model calls of the lease's workspace go.
    workspace: Option<&'a WorkspaceRoute>,
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").finish_non_exhaustive()
    }
}

impl Backend {
    /// Returns a backend that has not connected yet. The HTTP client is created on first use.
    #[must_use]
    pub(crate) fn new(
        auth: Arc<AuthManager>,
        config: Arc<LiveConfig>,
        http: Arc<HttpClient>,
        runner: Runner,
    ) -> Arc<Self> {
        let identity = {
            let config = config.current();
            Identity::new(config.originator_override.clone(), &config.codex_version)
        };
        let (calls, models) = (Semaphore::new(MAX_CALLS), Models::default());
        Arc::new_cyclic(|me| Self {
            auth,
            config,
            identity,
            http,
            calls,
            rooms: Rooms::new(),
            models,
            provider_tokens: ProviderTokens::new(runner),
            cookies: Cookies::default(),
            connects_for: Mutex::default(),
            workspaces: Workspaces::default(),
            me: me.clone(),
        })
    }

    /// Returns the configuration that decides where calls go.
    #[must_use]
    pub fn config(&self) -> Arc<Config> {
        self.config.current()
    }

    /// Sends a call and returns the successful response, before its body.
    ///
    /// `lease` is the credential in force when the call was requested. A 401 is recovered from as
    /// often as the credential allows: see [`may_recover`]; with a token of a command, once. A logout
    /// cancels the call. A credential that `admits` rejects is not used.
    pub(crate) async fn send(
        &self,
        call: &Call<'_>,
        mut lease: Option<Lease>,
        admits: Admission<'_>,
    ) -> Result<Answer<'_>, BackendError> {
        let mut deadline = Instant::now() + call.deadline;
        let mut recoveries = Vec::new();
        let first = lease.as_ref().filter(|_| call.keeps_account);
        let first = first.map(|lease| lease.credential.identity());
        let mut refused_token = None;
        loop {
            self.check_admission(lease.as_ref(), admits)?;
            let asked = Instant::now();
            let token = self.provider_token(call, refused_token.as_ref()).await?;
            deadline += asked.elapsed();
            let is_replaceable = token.is_some() && call.renews && refused_token.is_none();
            let renewable = self
                .carried(call, lease.as_ref())
                .filter(|lease| call.renews && may_recover(&lease.credential, &recoveries))
                .map(|lease| lease.generation);
            let waited = Instant::now();
            let workspace = Box::pin(self.workspace_of(call, lease.as_ref())).await?;
            deadline += waited.elapsed();
            let carried = Carried {
                lease: lease.as_ref(),
                renewable,
                token: token.as_ref(),
                is_replaceable,
                workspace: workspace.as_deref(),
            };
            let outcome = self.attempt(call, carried, deadline).await;
            let generation = match (outcome, renewable) {
                (Ok(Attempt::KnownToBeReplaced), _) => {
                    refused_token = token;
                    continue;
                }
                (Err(BackendError::Status(failed)), None)
                    if is_replaceable && failed.is_about_the_token() =>
                {
                    refused_token = token;
                    continue;
                }
                (Ok(Attempt::KnownToBeRefused(generation)), _) => generation,
                (Err(BackendError::Status(failed)), Some(generation))
                    if failed.is_about_the_token() =>
                {
                    generation
                }
                (Ok(Attempt::Answered(answer)), _) => return Ok(answer),
                (Err(error), _) => return Err(error),
            };
            // Its secret is not held while the host is asked.
            drop(lease.take());
            let asked = Instant::now();
            let recovered = self.recover(call, generation).await;
            deadline += asked.elapsed();
            recoveries.push(recovered.map_err(BackendError::Recovery)?);
            let renewed = self.auth.lease().ok_or(BackendError::SignedOut)?;
            let is_other = |first: &AccountIdentity| !first.is_same(&renewed.credential.identity());
            if first.as_ref().is_some_and(is_other) {
                return Err(BackendError::AccountChanged);
            }
            lease = Some(renewed);
        }
    }

    /// Returns the credential in force if the call carries it. A recipient that gets another one, or
    /// none, says nothing about it with a 401.
    fn carried<'a>(&self, call: &Call<'_>, lease: Option<&'a Lease>) -> Option<&'a Lease> {
        let is_carried = match call.service {
            Service::Account => true,
            Service::Models => Carries::of(&self.config().provider, lease).is_login(),
        };
        lease.filter(|_| is_carried)
    }

    /// Checks whether model requests may be made under this credential. A provider with its own
    /// credential has no account.
    ///
    /// # Errors
    ///
    /// [`BackendError::AccountChanged`], or [`BackendError::AuthRequired`] without a credential.
    pub fn check_admission(
        &self,
        lease: Option<&Lease>,
        admits: Admission<'_>,
    ) -> Result<(), BackendError> {
        let carries = Carries::of(&self.config().provider, lease);
        match lease.filter(|_| carries.is_login()) {
            carried if admits(carried) => Ok(()),
            None => Err(BackendError::AuthRequired),
            Some(_) => Err(BackendError::AccountChanged),
        }
    }

    /// Makes one attempt under one credential, once a permit is free.
    ///
    /// Thousands of calls may queue, so nothing is prepared before, above all no header with the
    /// token.
    async fn attempt(
        &self,
        call: &Call<'_>,
        carried: Carried<'_>,
        deadline: Instant,
    ) -> Result<Attempt<'_>, BackendError> {
        let Carried { lease, token, .. } = carried;
        let attempt = async {
            let permit = if call.body.is_some() {
                None
            } else if let Ok(permit) = self.calls.try_acquire() {
                Some(permit)
            } else {
                // The semaphore is never closed.
                let permit = self.calls.acquire().await.ok();
                // Thousands of calls that waited would learn one after the other what the first
                // learned, at three round trips each.
                if let Some(generation) = carried.renewable.filter(|it| self.auth.is_refused(*it)) {
                    return Ok(Attempt::KnownToBeRefused(generation));
                }
                let token = token.filter(|_| carried.is_replaceable);
                if token.is_some_and(|token| self.provider_tokens.is_replaced(token)) {
                    return Ok(Attempt::KnownToBeReplaced);
                }
                permit
            };
            let sent = Box::pin(self.attempt_now(call, carried)).await?;
            let (response, account, refill) = sent;
            Ok(Attempt::Answered(Answer {
                response,
                account,
                token: token.cloned(),
                deadline,
                _permit: permit,
                refill,
            }))
        };
        tokio::select! {
            answer = tokio::time::timeout_at(deadline, attempt) => {
                answer.map_err(|_| BackendError::Timeout)?
            }
            () = signed_out(lease) => Err(BackendError::SignedOut),
        }
    }

    /// Makes one attempt, with retries after connection and server errors. A challenge with a
    /// cookie is answered once, by the same request with the cookie.
    async fn attempt_now(
        &self,
        call: &Call<'_>,
        carried: Carried<'_>,
    ) -> Result<(Response, Option<AccountIdentity>, Refill), BackendError> {
        let Carried { lease, token, .. } = carried;
        let config = self.config();
        let route = Route::of(call, lease, &config, carried.workspace)?;
        let era = self.http.era();
        let provider = &config.provider;
        // The configuration may have been read again since the token was printed.
        let token = token.filter(|token| token.provider == provider.id);
        let own_bearer = token.map(|token| &*token.secret);
        let own_bearer = own_bearer.or(provider.own_bearer.as_ref());
        let headers = headers::of(call, &route, (lease, own_bearer), &config, &self.identity)?;
        let carried = lease.filter(|_| route.carries.is_login());
        let account = carried.map(|lease| lease.credential.identity());
        let body = call.body.map(|body| {
            body(Recipient {
                account: account.as_ref(),
                is_chatgpt: carried.is_some_and(|lease| lease.credential.chatgpt().is_some()),
            })
        });
        let send_once = || async {
            let mut headers = headers.clone();
            let cookies = account.as_ref();
            let cookies = cookies.and_then(|account| self.cookies.header(account, &route.url));
            headers.extend(cookies.map(|cookies| (COOKIE, cookies)));
            let request = Request {
                method: call.method.clone(),
                url: route.url.clone(),
                headers,
                body: body.clone(),
                sensitivity: route.carries.sensitivity(),
                era: self.era_of(account.as_ref()),
            };
            let response = self.http.send(request).await?;
            let brings_cookie = account
                .as_ref()
                .is_some_and(|it| self.cookies.store(it, &route.url, response.headers()));
            let keeps = call.keeps_refusal();
            let room = self.rooms.own.part();
            let outcome = error::successful(response, room, lease, own_bearer, keeps);
            let outcome = Box::pin(outcome).await;
            outcome.map_err(|error| error.with_cookie(brings_cookie))
        };
        let is_short = call.body.is_none();
        let response = match retry::with_backoff(call.retries, is_short, send_once).await {
            Err(error) if error.is_answered_by_a_cookie() => {
                retry::with_backoff(call.retries, is_short, send_once).await?
            }
            outcome => outcome?,
        };
        // The next call is expected where the model calls go.
        let next = carried.and_then(|lease| self.moved_destination(lease));
        let next = next.unwrap_or(route.url);
        let refill = Refill::new(&self.http, next, era, !is_short);
        Ok((response, account, refill))
    }
}

/// Completes when the user logs out, and never without a credential.
fn signed_out(lease: Option<&Lease>) -> impl Future<Output = ()> + Send + use<> {
    let signed_out = lease.map(Lease::signed_out);
    async move {
        match signed_out {
            Some(signed_out) => signed_out.await,
            None => std::future::pending().await,
        }
    }
}
