//! The backend over HTTP: the ChatGPT backend or the OpenAI API, chosen by the credential.
//!
//! Every call goes through `Backend::send`, the one place that attaches a credential, recovers
//! from a 401 and tries again. What calls mean is in `account`, `models` and `responses`.

mod account;
mod body;
mod details;
mod error;
mod events;
mod headers;
mod lenient;
mod limits;
mod model_list;
mod models;
mod outcome;
mod rate_limits;
mod reason;
mod request_body;
mod responses;
mod retry;
mod route;
mod sse;
mod usage;
mod wait;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use byokey_http::{HttpClient, Request, Response};
use bytes::Bytes;
use http::Method;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

pub use details::Cause;
pub use error::{BackendError, FailedStatus};
pub use events::Incomplete;
pub use headers::Identity;
pub use limits::Limit;
pub(crate) use limits::MAX_TURN_WAIT;
pub use models::Models;
pub(crate) use outcome::{Next, after_stream};
pub(crate) use rate_limits::LatestLimits;
pub use reason::Reason;
pub use request_body::{ChatMessage, Role, TurnRequest};
pub use responses::{StreamFailure, TurnEvent, TurnStream};
pub(crate) use retry::delays;
pub use route::Service;
pub(crate) use wait::in_text as wait_text;

use crate::config::{Config, LiveConfig};
use byokey_auth::{AuthManager, Credential, Lease, Remedy};
use limits::MAX_CALLS;
use route::Route;

/// How often a short call is tried again.
const CALL_RETRIES: u32 = 2;

/// The backend.
pub struct Backend {
    auth: Arc<AuthManager>,
    config: Arc<LiveConfig>,
    /// Who we say we are.
    pub identity: Identity,
    http: Arc<HttpClient>,
    calls: Semaphore,
    models: Models,
}

/// Which credentials a call may be made under.
pub type Admission<'a> = &'a (dyn Fn(&Lease) -> bool + Sync);

/// One HTTP request, before it is known where it goes and with which credential.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) service: Service,
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Bytes>,
    pub(crate) retries: u32,
    /// How long it may take from now until the answer begins, the host's time to answer a refresh
    /// not counted.
    pub(crate) deadline: Duration,
}

/// A successful answer, its body not yet read.
pub(crate) struct Answer<'a> {
    pub(crate) response: Response,
    /// When a short call is over.
    deadline: Instant,
    /// The place among the short calls under way, until the body is read.
    _permit: Option<SemaphorePermit<'a>>,
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").finish_non_exhaustive()
    }
}

impl Backend {
    /// A backend that has not connected yet. The HTTP client is made on first use.
    #[must_use]
    pub(crate) fn new(
        auth: Arc<AuthManager>,
        config: Arc<LiveConfig>,
        http: Arc<HttpClient>,
    ) -> Self {
        let identity = Identity::new(config.current().originator_override.clone());
        let (calls, models) = (Semaphore::new(MAX_CALLS), Models::default());
        Self {
            auth,
            config,
            identity,
            http,
            calls,
            models,
        }
    }

    /// The configuration that decides where calls go.
    #[must_use]
    pub fn config(&self) -> Arc<Config> {
        self.config.current()
    }

    /// Reads a small JSON answer of the ChatGPT backend or the API.
    async fn get_json<T: body::Document>(
        &self,
        lease: Option<Lease>,
        service: Service,
        path: &'static str,
        query: Vec<(&'static str, String)>,
        deadline: Instant,
    ) -> Result<T, BackendError> {
        let call = Call {
            service,
            method: Method::GET,
            path,
            query,
            headers: Vec::new(),
            body: None,
            retries: CALL_RETRIES,
            deadline: deadline.saturating_duration_since(Instant::now()),
        };
        let signed_out = signed_out(lease.as_ref());
        let answer = self.send(&call, lease, &|_| true).await?;
        // Apart, so that a call that only waits for its turn stays small.
        let body = Box::pin(body::json(answer.response));
        tokio::select! {
            body = tokio::time::timeout_at(answer.deadline, body) => {
                body.map_err(|_| BackendError::Timeout)?
            }
            () = signed_out => Err(BackendError::SignedOut),
        }
    }

    /// Sends a call and returns the successful answer, its body not yet read.
    ///
    /// `lease` is the credential in force when the call was asked for. A 401 is recovered from,
    /// whatever the call, as often as its credential can be: see [`may_recover`]. Signing out ends
    /// the call. A credential that `admits` returns false for is not used.
    pub(crate) async fn send(
        &self,
        call: &Call,
        lease: Option<Lease>,
        admits: Admission<'_>,
    ) -> Result<Answer<'_>, BackendError> {
        let mut deadline = Instant::now() + call.deadline;
        let mut lease = lease;
        let mut remedies = Vec::new();
        loop {
            if !self.admits(lease.as_ref(), admits) {
                return Err(BackendError::AccountChanged);
            }
            let attempt = self.attempt(call, lease.as_ref(), deadline);
            let error = match attempt.await {
                Err(BackendError::Status(failed)) if failed.is_about_the_token() => {
                    BackendError::Status(failed)
                }
                outcome => return outcome,
            };
            let generation = match lease {
                Some(lease) if may_recover(&lease.credential, &remedies) => lease.generation,
                _ => return Err(error),
            };
            drop(error);
            let asked = Instant::now();
            let remedy = self.auth.recover(generation).await;
            deadline += asked.elapsed();
            remedies.push(remedy.map_err(BackendError::Recovery)?);
            lease = Some(self.auth.lease().ok_or(BackendError::SignedOut)?);
        }
    }

    /// Returns whether model requests may be made under this credential, as far as they carry
    /// one: a provider with a credential of its own has no other account.
    pub fn admits(&self, lease: Option<&Lease>, admits: Admission<'_>) -> bool {
        let config = self.config();
        let provider = &config.provider;
        let carries_login = provider.own_bearer.is_none() && provider.requires_openai_auth;
        !carries_login || lease.is_none_or(admits)
    }

    /// One attempt under one credential, once it is its turn.
    ///
    /// Thousands of calls may wait for theirs, so nothing is prepared before, above all no header
    /// with the token in it.
    async fn attempt(
        &self,
        call: &Call,
        lease: Option<&Lease>,
        deadline: Instant,
    ) -> Result<Answer<'_>, BackendError> {
        let attempt = async {
            let permit = match call.body {
                None => Some(
                    self.calls
                        .acquire()
                        .await
                        .map_err(|_| BackendError::SignedOut)?,
                ),
                Some(_) => None,
            };
            let response = Box::pin(self.attempt_now(call, lease)).await?;
            Ok(Answer {
                response,
                deadline,
                _permit: permit,
            })
        };
        tokio::select! {
            answer = tokio::time::timeout_at(deadline, attempt) => {
                answer.map_err(|_| BackendError::Timeout)?
            }
            () = signed_out(lease) => Err(BackendError::SignedOut),
        }
    }

    /// One attempt, tried again after connection and server errors.
    async fn attempt_now(
        &self,
        call: &Call,
        lease: Option<&Lease>,
    ) -> Result<Response, BackendError> {
        let config = self.config();
        let route = Route::of(call, lease, &config)?;
        let headers = headers::of(call, &route, lease, &config, &self.identity)?;
        let own_bearer = config.provider.own_bearer.as_ref();
        let send_once = || async {
            let request = Request {
                method: call.method.clone(),
                url: route.url.clone(),
                headers: headers.clone(),
                body: call.body.clone(),
                sensitivity: route.carries.sensitivity(),
            };
            let response = self.http.send(request).await?;
            Box::pin(error::successful(response, lease, own_bearer)).await
        };
        retry::with_backoff(call.retries, call.body.is_none(), send_once).await
    }
}

/// Whether a call can get past another 401 after these remedies.
///
/// Codex gives tokens of a host one refresh, and a login of ours two steps: what the store holds
/// by now, then the issuer.
fn may_recover(credential: &Credential, remedies: &[Remedy]) -> bool {
    match (credential, remedies) {
        (_, []) => credential.can_be_renewed(),
        (Credential::Managed(_), [Remedy::Replaced]) => true,
        _ => false,
    }
}

/// Ends when the user signs out, and never where nobody is signed in.
fn signed_out(lease: Option<&Lease>) -> impl Future<Output = ()> + Send + use<> {
    let signed_out = lease.map(Lease::signed_out);
    async move {
        match signed_out {
            Some(signed_out) => signed_out.await,
            None => std::future::pending().await,
        }
    }
}
