//! The backend over HTTP: the ChatGPT backend or the OpenAI API, chosen by the credential.
//!
//! Every call goes through `Backend::send`, the one place that attaches a credential, recovers
//! from a 401 and tries again. What calls mean is in `account`, `models` and `responses`.

mod account;
mod error;
mod headers;
mod models;
mod rate_limits;
mod request_body;
mod responses;
mod retry;
mod route;
mod sse;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use byokey_http::{HttpClient, Request, Response};
use bytes::Bytes;
use http::{Method, StatusCode};
use tokio::sync::Semaphore;

pub use error::{BackendError, FailedStatus, Reason};
pub use headers::Identity;
pub use models::{FALLBACK_MODEL, Models};
pub use request_body::{ChatMessage, Role, TurnRequest};
pub use responses::{StreamFailure, TurnEvent, TurnStream};
pub(crate) use retry::delays;
pub use route::Service;
pub use sse::Incomplete;

use crate::config::Config;
use byokey_auth::{AuthManager, Credential, Lease, Remedy};
use route::Route;

/// Most short calls under way at once; the others wait their turn. Streams do not count.
const MAX_CALLS: usize = 64;
/// How long a short call may take, the host's time to answer a refresh not counted.
const CALL_DEADLINE: Duration = Duration::from_secs(10);
/// How often a short call is tried again.
const CALL_RETRIES: u32 = 2;

/// The backend.
pub struct Backend {
    auth: Arc<AuthManager>,
    config: Arc<Config>,
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
    /// How long it may take until the answer begins.
    pub(crate) deadline: Duration,
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").finish_non_exhaustive()
    }
}

impl Backend {
    /// A backend that has not connected yet. The HTTP client is made on first use.
    #[must_use]
    pub(crate) fn new(auth: Arc<AuthManager>, config: Arc<Config>, http: Arc<HttpClient>) -> Self {
        let identity = Identity::new(config.originator_override.clone());
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
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Reads a small JSON answer of the ChatGPT backend or the API.
    async fn get_json<T: serde::de::DeserializeOwned>(
        &self,
        lease: Option<Lease>,
        service: Service,
        path: &'static str,
        query: Vec<(&'static str, String)>,
    ) -> Result<T, BackendError> {
        let call = Call {
            service,
            method: Method::GET,
            path,
            query,
            headers: Vec::new(),
            body: None,
            retries: CALL_RETRIES,
            deadline: CALL_DEADLINE,
        };
        let signed_out = signed_out(lease.as_ref());
        let response = self.send(&call, lease, &|_| true).await?;
        // Apart, so that a call that only waits for its turn stays small.
        let answer = Box::pin(read_json(response));
        tokio::select! {
            answer = answer => answer,
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
    ) -> Result<Response, BackendError> {
        let mut lease = lease;
        let mut remedies = Vec::new();
        loop {
            if !self.admits(lease.as_ref(), admits) {
                return Err(BackendError::AccountChanged);
            }
            let response = self.attempt(call, lease.as_ref()).await?;
            let is_refused = response.status() == StatusCode::UNAUTHORIZED;
            let generation = match lease {
                Some(lease) if is_refused && may_recover(&lease.credential, &remedies) => {
                    lease.generation
                }
                lease => return Box::pin(successful(response, lease)).await,
            };
            drop(response);
            let remedy = self.auth.recover(generation).await;
            remedies.push(remedy.map_err(BackendError::Recovery)?);
            lease = Some(self.auth.lease().ok_or(BackendError::SignedOut)?);
        }
    }

    /// Returns whether model requests may be made under this credential, as far as they carry
    /// one: a provider with a credential of its own has no other account.
    pub fn admits(&self, lease: Option<&Lease>, admits: Admission<'_>) -> bool {
        let provider = &self.config.provider;
        let carries_login = provider.own_bearer.is_none() && provider.requires_openai_auth;
        !carries_login || lease.is_none_or(admits)
    }

    /// One attempt under one credential, once it is its turn.
    ///
    /// Thousands of calls may wait for theirs, so nothing is prepared before, above all no header
    /// with the token in it.
    async fn attempt(&self, call: &Call, lease: Option<&Lease>) -> Result<Response, BackendError> {
        let attempt = async {
            let _turn = match call.body {
                None => Some(
                    self.calls
                        .acquire()
                        .await
                        .map_err(|_| BackendError::SignedOut)?,
                ),
                Some(_) => None,
            };
            Box::pin(self.attempt_now(call, lease)).await
        };
        tokio::select! {
            response = attempt => response,
            () = signed_out(lease) => Err(BackendError::SignedOut),
        }
    }

    /// One attempt, tried again after connection and server errors.
    async fn attempt_now(
        &self,
        call: &Call,
        lease: Option<&Lease>,
    ) -> Result<Response, BackendError> {
        let route = Route::of(call, lease, &self.config)?;
        let headers = headers::of(call, &route, lease, &self.config, &self.identity)?;
        let send_once = || async {
            let request = Request {
                method: call.method.clone(),
                url: route.url.clone(),
                headers: headers.clone(),
                body: call.body.clone(),
                sensitivity: route.carries.sensitivity(),
            };
            let sent = self.http.send(request).await;
            sent.map_err(BackendError::from)
        };
        tokio::time::timeout(call.deadline, retry::with_backoff(call.retries, send_once))
            .await
            .map_err(|_| BackendError::Timeout)?
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

/// Lets a successful answer through, unless the user signs out before all of it is known.
async fn successful(response: Response, lease: Option<Lease>) -> Result<Response, BackendError> {
    let signed_out = signed_out(lease.as_ref());
    tokio::select! {
        outcome = error::successful(response, lease) => outcome,
        () = signed_out => Err(BackendError::SignedOut),
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

async fn read_json<T: serde::de::DeserializeOwned>(response: Response) -> Result<T, BackendError> {
    let body = tokio::time::timeout(CALL_DEADLINE, response.bytes())
        .await
        .map_err(|_| BackendError::Timeout)?
        .map_err(|_| BackendError::Interrupted)?;
    serde_json::from_slice(&body).map_err(|_| BackendError::UnexpectedBody)
}
