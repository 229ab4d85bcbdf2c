//! Interactive logins: in the browser, or on another device.
//!
//! At most one is in progress; a second start replaces the first, as in codex. No port is open
//! before a login starts or after it ends.
//!
//! Reading order: `callback` (the meaning of a request), `server` and `listener`, `browser`,
//! `device`.

mod attempt;
mod authorization_server;
mod browser;
mod callback;
mod device;
mod failure;
mod listener;
mod pages;
mod random;
mod report;
mod server;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use byokey_protocol::login::LoginCompleted;
use byokey_protocol::secret::Secret;
use http::StatusCode;
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use attempt::LoginAttempt;
pub use attempt::LoginObserver;
pub use authorization_server::{
    AuthorizationServer, AuthorizeRequest, CodeGrant, DeviceCode, DevicePoll,
};
pub use browser::BROWSER_DEADLINE;
use browser::{BrowserLogin, Pasted};
pub use device::DEVICE_DEADLINE;
pub use failure::{LoginFailure, StartFailure};
use listener::Listener;
use report::Report;
use server::Server;
pub use server::{Visit, visit};

use crate::{AuthManager, IssuerFailure, PeerId, PendingLogin};
use byokey_base::clock::Clock;
use byokey_base::memory::lock_in_memory;

/// Dependencies of logins.
pub struct LoginDependencies {
    /// The authorization server.
    pub authorization_server: Arc<dyn AuthorizationServer>,
    /// Notified of the end of each login.
    pub observer: Arc<dyn LoginObserver>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for LoginDependencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginDependencies").finish_non_exhaustive()
    }
}

/// The pending interactive login, at most one.
pub struct Logins {
    auth: Arc<AuthManager>,
    dependencies: LoginDependencies,
    ports: Vec<u16>,
    /// Held while a login starts.
    beginning: tokio::sync::Mutex<()>,
    /// Counts the events that end a login that is still starting: a later login, or a logout.
    arrivals: watch::Sender<u64>,
    active: Mutex<Option<Active>>,
    /// How many logins have not released their port yet.
    open: Arc<watch::Sender<usize>>,
    last: watch::Sender<Option<LoginCompleted>>,
}

struct Active {
    id: Uuid,
    cancel: watch::Sender<bool>,
    pasted: Option<mpsc::Sender<Pasted>>,
    report: Arc<Report>,
}

/// A requested login. Any later arrival ends it, also while it is starting.
#[derive(Debug)]
pub struct Arrival {
    number: u64,
    login: PendingLogin,
}

/// Counts a login with an open port until it is dropped.
struct Open(Arc<watch::Sender<usize>>);

impl Open {
    fn count(open: &Arc<watch::Sender<usize>>) -> Self {
        open.send_modify(|open| *open += 1);
        Self(Arc::clone(open))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open = open.saturating_sub(1));
    }
}

/// A pending login in the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserStarted {
    /// The id of the login.
    pub id: Uuid,
    /// The page to open.
    pub url: String,
    /// The port of the callback server.
    pub port: u16,
}

/// A pending login on another device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceStarted {
    /// The id of the login.
    pub id: Uuid,
    /// The page to open there.
    pub url: String,
    /// The code to enter there.
    pub user_code: String,
}

/// Why a pasted address was refused. The login continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasteRefusal {
    /// No browser login with that id is pending.
    #[error("no such login waits for its redirect URL")]
    NoSuchLogin,
    /// The address belongs to another login, or is not a redirect address.
    #[error("the URL does not belong to this login; paste the whole address of the last page")]
    NotOfThisLogin,
}

/// A pending login.
enum Waiting {
    Browser(BrowserLogin),
    Device(DeviceCode),
}

impl Waiting {
    /// Waits for the user and logs in.
    ///
    /// # Errors
    ///
    /// The error to report.
    async fn run(self, attempt: &LoginAttempt) -> Result<(), String> {
        match self {
            Self::Browser(login) => {
                let done = login.run(attempt).await;
                done.map_err(|failure| Self::browser_failure(&failure))
            }
            Self::Device(code) => {
                let done = device::run(code, attempt).await;
                done.map_err(|failure| failure.to_string())
            }
        }
    }

    /// Returns the error to report when the login is cancelled.
    fn given_up(&self) -> String {
        let failure = LoginFailure::NotCompleted;
        match self {
            Self::Browser(_) => Self::browser_failure(&failure),
            Self::Device(_) => failure.to_string(),
        }
    }

    fn browser_failure(failure: &LoginFailure) -> String {
        match failure {
            LoginFailure::TimedOut => failure.to_string(),
            failure => format!("Login server error: {failure}"),
        }
    }
}

impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logins").finish_non_exhaustive()
    }
}

impl Logins {
    /// Returns a value without a pending login.
    #[must_use]
    pub fn new(auth: Arc<AuthManager>, dependencies: LoginDependencies) -> Arc<Self> {
        Self::at_ports(auth, dependencies, &listener::PORTS)
    }

    fn at_ports(
        auth: Arc<AuthManager>,
        dependencies: LoginDependencies,
        ports: &[u16],
    ) -> Arc<Self> {
        Arc::new(Self {
            auth,
            dependencies,
            ports: ports.to_vec(),
            beginning: tokio::sync::Mutex::default(),
            arrivals: watch::Sender::default(),
            open: Arc::default(),
            active: Mutex::default(),
            last: watch::Sender::default(),
        })
    }

    /// Registers a requested login, from that connection; `None` for this program itself. A login
    /// that is still starting ends.
    pub fn arrive(&self, by: Option<PeerId>) -> Arrival {
        Arrival {
            number: self.supersede_starting(),
            login: self.auth.begin_login(by),
        }
    }

    /// Starts a login in the browser. The caller opens the page.
    ///
    /// # Errors
    ///
    /// [`StartFailure`]; no login is pending then.
    pub async fn start_browser(
        self: &Arc<Self>,
        arrival: Arrival,
        originator: &str,
    ) -> Result<BrowserStarted, StartFailure> {
        let superseded = self.superseded(&arrival);
        tokio::select! {
            biased;
            () = superseded => Err(StartFailure::Superseded),
            started = self.begin_browser(arrival.login, originator) => started,
        }
    }

    async fn begin_browser(
        self: &Arc<Self>,
        login: PendingLogin,
        originator: &str,
    ) -> Result<BrowserStarted, StartFailure> {
        self.auth.check_managed_login()?;
        self.auth.check_store().await?;
        let _beginning = self.beginning.lock().await;
        self.end_active().await;
        let listener = Listener::bind(&self.ports).await?;
        let port = listener.port;
        let (verifier, state) = (
            lock_in_memory(random::verifier()?),
            lock_in_memory(random::state()?),
        );
        let redirect_uri = format!("http://localhost:{port}{}", callback::PATH);
        let request = AuthorizeRequest {
            redirect_uri: &redirect_uri,
            code_challenge: &random::challenge(&verifier),
            state: &state,
            originator,
            allowed_workspaces: &self.auth.allowed_workspaces(),
        };
        let url = self
            .dependencies
            .authorization_server
            .authorize_url(&request);
        let url = url.map_err(StartFailure::Browser)?;
        let (event_sender, events) = mpsc::channel(1);
        let (paste_sender, pasted) = mpsc::channel(1);
        let browser = BrowserLogin {
            server: Server::new(listener, state, event_sender),
            events,
            pasted,
            verifier,
            redirect_uri,
        };
        let id = self.begin(login, Some(paste_sender), Waiting::Browser(browser));
        Ok(BrowserStarted { id, url, port })
    }

    /// Starts a login on another device.
    ///
    /// # Errors
    ///
    /// [`StartFailure`]; no login is pending then.
    pub async fn start_device(
        self: &Arc<Self>,
        arrival: Arrival,
    ) -> Result<DeviceStarted, StartFailure> {
        let superseded = self.superseded(&arrival);
        tokio::select! {
            biased;
            () = superseded => Err(StartFailure::Superseded),
            started = self.begin_device(arrival.login) => started,
        }
    }

    async fn begin_device(
        self: &Arc<Self>,
        login: PendingLogin,
    ) -> Result<DeviceStarted, StartFailure> {
        self.auth.check_managed_login()?;
        self.auth.check_store().await?;
        let _beginning = self.beginning.lock().await;
        self.end_active().await;
        let code = self.dependencies.authorization_server.device_code().await;
        let code = code.map_err(|failure| match failure {
            IssuerFailure::Status(StatusCode::NOT_FOUND) => StartFailure::DeviceLoginDisabled,
            failure => StartFailure::DeviceCode(failure),
        })?;
        let url = code.verification_url.clone();
        // EXPOSE: it is displayed to the user.
        let user_code = code.user_code.expose().to_owned();
        let id = self.begin(login, None, Waiting::Device(code));
        Ok(DeviceStarted { id, url, user_code })
    }

    /// Returns a receiver for the end of the last login and of later ones.
    #[must_use]
    pub fn completed(&self) -> watch::Receiver<Option<LoginCompleted>> {
        self.last.subscribe()
    }

    /// Cancels a login. Returns whether one with that id was pending.
    pub fn cancel(&self, id: Uuid) -> bool {
        let mut active = self.active();
        let found = active.take_if(|active| active.id == id && !active.report.is_signed_in());
        drop(active);
        found.is_some_and(|found| {
            found.cancel.send_replace(true);
            true
        })
    }

    /// Cancels the login in progress, also one that is still starting. Its end is reported before
    /// this returns, hence before any report of its successor.
    pub fn cancel_active(&self) {
        self.supersede_starting();
        let active = self.active().take();
        if let Some(active) = active {
            active.cancel.send_replace(true);
            active.report.give_up();
        }
    }

    /// Ends the login that is starting, if there is one. Returns the number of the event that ended
    /// it.
    fn supersede_starting(&self) -> u64 {
        self.arrivals.send_modify(|arrivals| *arrivals += 1);
        *self.arrivals.borrow()
    }

    /// Completes when something arrives after the login.
    fn superseded(&self, arrival: &Arrival) -> impl Future<Output = ()> + use<> {
        let (mut arrivals, number) = (self.arrivals.subscribe(), arrival.number);
        async move {
            // The sender outlives every login.
            drop(arrivals.wait_for(|latest| *latest != number).await);
        }
    }

    /// Completes a login in the browser with the redirect address that the user pasted.
    ///
    /// # Errors
    ///
    /// [`PasteRefusal`]; the login continues.
    pub async fn complete(&self, id: Uuid, address: Secret) -> Result<(), PasteRefusal> {
        let waiting = {
            let active = self.active();
            let active = active.as_ref().filter(|active| active.id == id);
            active.and_then(|active| active.pasted.clone())
        };
        let waiting = waiting.ok_or(PasteRefusal::NoSuchLogin)?;
        let (sender, heard) = oneshot::channel();
        waiting
            .send((address, sender))
            .await
            .map_err(|_| PasteRefusal::NoSuchLogin)?;
        match heard.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(PasteRefusal::NotOfThisLogin),
            Err(_) => Err(PasteRefusal::NoSuchLogin),
        }
    }

    /// Cancels the login in progress and waits until its port is closed.
    async fn end_active(&self) {
        let active = self.active().take();
        if let Some(active) = active {
            active.cancel.send_replace(true);
        }
        // `self` owns the sender.
        drop(self.open.subscribe().wait_for(|open| *open == 0).await);
    }

    fn begin(
        self: &Arc<Self>,
        login: PendingLogin,
        pasted: Option<mpsc::Sender<Pasted>>,
        waiting: Waiting,
    ) -> Uuid {
        let id = Uuid::new_v4();
        let (cancel, cancelled) = watch::channel(false);
        let report = Arc::new(Report::new(
            id,
            waiting.given_up(),
            Arc::clone(&self.dependencies.observer),
            self.last.clone(),
        ));
        let attempt = LoginAttempt {
            auth: Arc::clone(&self.auth),
            authorization_server: Arc::clone(&self.dependencies.authorization_server),
            clock: Arc::clone(&self.dependencies.clock),
            login: login.until(cancelled.clone()),
            cancel: cancelled,
            report: Arc::clone(&report),
        };
        *self.active() = Some(Active {
            id,
            cancel,
            pasted,
            report,
        });
        let (logins, open) = (Arc::clone(self), Open::count(&self.open));
        tokio::spawn(async move {
            let done = waiting.run(&attempt).await;
            drop(logins.active().take_if(|active| active.id == id));
            attempt.report.end(done);
            drop(open);
        });
        id
    }

    fn active(&self) -> MutexGuard<'_, Option<Active>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
