//! Logins that this program runs: in the browser, or on another device.
//!
//! There is at most one at a time; a second start takes the place of the first, as in codex.
//! Nothing listens before a login begins or after it ends.
//!
//! Reading order: `callback` (what a request means), `server` and `listener`, `browser`, `device`.

mod browser;
mod callback;
mod device;
mod failure;
mod grantor;
mod listener;
mod pages;
mod random;
mod report;
mod server;
mod session;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use byokey_protocol::login::LoginCompleted;
use byokey_protocol::secret::Secret;
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use browser::{BrowserLogin, Pasted};
pub use failure::{LoginFailure, StartFailure};
pub use grantor::{AuthorizeRequest, CodeGrant, DeviceCode, DevicePoll, Grantor};
use listener::Listener;
use report::Report;
use server::Server;
pub use server::{Visit, visit};
pub use session::Audience;
use session::Session;

use crate::{AuthManager, IssuerFailure, LoginRefusal, PendingLogin, Supplier};
use byokey_base::clock::Clock;
use byokey_base::memory::lock_in_memory;

/// What logins need of the world.
pub struct LoginOutside {
    /// Whoever grants them.
    pub grantor: Arc<dyn Grantor>,
    /// Whoever wants to know how they end.
    pub audience: Arc<dyn Audience>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for LoginOutside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginOutside").finish_non_exhaustive()
    }
}

/// The logins that wait for their user: one at most.
pub struct Logins {
    auth: Arc<AuthManager>,
    outside: LoginOutside,
    ports: Vec<u16>,
    /// Held while a login begins.
    beginning: tokio::sync::Mutex<()>,
    /// Counts what ends a login that is still being started: a later login, or a logout.
    arrivals: watch::Sender<u64>,
    active: Mutex<Option<Active>>,
    /// How many logins have not let go of their port yet.
    open: Arc<watch::Sender<usize>>,
    last: watch::Sender<Option<LoginCompleted>>,
}

struct Active {
    id: Uuid,
    cancel: watch::Sender<bool>,
    pasted: Option<mpsc::Sender<Pasted>>,
    report: Arc<Report>,
}

/// A login that was asked for. What arrives after it ends it, also while it is being started.
#[derive(Debug)]
pub struct Arrival {
    number: u64,
    login: PendingLogin,
}

/// A login whose port is open, for as long as this lives.
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

/// A login in the browser that waits for its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrowserStarted {
    /// Names the login.
    pub id: Uuid,
    /// The page to open.
    pub url: String,
    /// The port that the browser comes back to.
    pub port: u16,
}

/// A login on another device that waits for its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceStarted {
    /// Names the login.
    pub id: Uuid,
    /// The page to open there.
    pub url: String,
    /// The code to type there.
    pub user_code: String,
}

/// Why a pasted address was not taken. The login goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasteRefusal {
    /// No browser login with that id waits.
    #[error("no such login waits for its redirect URL")]
    NoSuchLogin,
    /// The address belongs to another login, or is none.
    #[error("the URL does not belong to this login; paste the whole address of the last page")]
    NotOfThisLogin,
}

/// A login that waits for its user.
enum Waiting {
    Browser(BrowserLogin),
    Device(DeviceCode),
}

impl Waiting {
    /// Waits, and signs in. Returns what everybody is told if it came to nothing.
    async fn run(self, session: &Session) -> Option<String> {
        match self {
            Self::Browser(login) => Some(Self::browser_failure(&login.run(session).await.err()?)),
            Self::Device(code) => Some(device::run(code, session).await.err()?.to_string()),
        }
    }

    /// What is reported when the login is given up.
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
    /// No login under way.
    #[must_use]
    pub fn new(auth: Arc<AuthManager>, outside: LoginOutside) -> Arc<Self> {
        Self::at_ports(auth, outside, &listener::PORTS)
    }

    fn at_ports(auth: Arc<AuthManager>, outside: LoginOutside, ports: &[u16]) -> Arc<Self> {
        Arc::new(Self {
            auth,
            outside,
            ports: ports.to_vec(),
            beginning: tokio::sync::Mutex::default(),
            arrivals: watch::Sender::default(),
            open: Arc::default(),
            active: Mutex::default(),
            last: watch::Sender::default(),
        })
    }

    /// Notes that a login is asked for, by that connection; none for this program itself. One
    /// that is still being started ends.
    pub fn arrive(&self, by: Option<Supplier>) -> Arrival {
        Arrival {
            number: self.overtake_starting(),
            login: self.auth.begin_login(by),
        }
    }

    /// Begins a login in the browser. The caller opens the page.
    ///
    /// # Errors
    ///
    /// [`StartFailure`]; no login is under way then.
    pub async fn start_browser(
        self: &Arc<Self>,
        arrival: Arrival,
        originator: &str,
    ) -> Result<BrowserStarted, StartFailure> {
        let overtaken = self.overtaken(&arrival);
        tokio::select! {
            biased;
            () = overtaken => Err(LoginRefusal::Overtaken.into()),
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
        let url = self.outside.grantor.authorize_url(&request);
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

    /// Begins a login on another device.
    ///
    /// # Errors
    ///
    /// [`StartFailure`]; no login is under way then.
    pub async fn start_device(
        self: &Arc<Self>,
        arrival: Arrival,
    ) -> Result<DeviceStarted, StartFailure> {
        let overtaken = self.overtaken(&arrival);
        tokio::select! {
            biased;
            () = overtaken => Err(LoginRefusal::Overtaken.into()),
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
        let code = self.outside.grantor.device_code().await;
        let code = code.map_err(|failure| match failure {
            IssuerFailure::Status(status) if status.starts_with("404") => {
                StartFailure::DeviceLoginDisabled
            }
            failure => StartFailure::DeviceCode(failure),
        })?;
        let url = code.verification_url.clone();
        // EXPOSE: the user has to see it.
        let user_code = code.user_code.expose().to_owned();
        let id = self.begin(login, None, Waiting::Device(code));
        Ok(DeviceStarted { id, url, user_code })
    }

    /// The end of the last login, and of those to come.
    #[must_use]
    pub fn completed(&self) -> watch::Receiver<Option<LoginCompleted>> {
        self.last.subscribe()
    }

    /// Gives a login up. Tells whether there was one with that id.
    pub fn cancel(&self, id: Uuid) -> bool {
        let mut active = self.active();
        let found = active.take_if(|active| active.id == id && !active.report.is_signed_in());
        drop(active);
        found.is_some_and(|found| {
            found.cancel.send_replace(true);
            true
        })
    }

    /// Gives up the login under way, also one that is still being started. Its end is reported
    /// before this returns, hence before whatever took its place.
    pub fn cancel_active(&self) {
        self.overtake_starting();
        let active = self.active().take();
        if let Some(active) = active {
            active.cancel.send_replace(true);
            active.report.give_up();
        }
    }

    /// Ends the login that is being started, if there is one. Returns the number of what ended it.
    fn overtake_starting(&self) -> u64 {
        self.arrivals.send_modify(|arrivals| *arrivals += 1);
        *self.arrivals.borrow()
    }

    /// Ends when something arrives after the login.
    fn overtaken(&self, arrival: &Arrival) -> impl Future<Output = ()> + use<> {
        let (mut arrivals, number) = (self.arrivals.subscribe(), arrival.number);
        async move {
            // The sender outlives every login.
            drop(arrivals.wait_for(|latest| *latest != number).await);
        }
    }

    /// Ends a login in the browser with the address that the user was sent to.
    ///
    /// # Errors
    ///
    /// [`PasteRefusal`]; the login goes on.
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

    /// Gives up the login under way and waits until its port is closed.
    async fn end_active(&self) {
        let active = self.active().take();
        if let Some(active) = active {
            active.cancel.send_replace(true);
        }
        // The sender is here.
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
            Arc::clone(&self.outside.audience),
            self.last.clone(),
        ));
        let session = Session {
            auth: Arc::clone(&self.auth),
            grantor: Arc::clone(&self.outside.grantor),
            clock: Arc::clone(&self.outside.clock),
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
            let error = waiting.run(&session).await;
            drop(logins.active().take_if(|active| active.id == id));
            session.report.end(error);
            drop(open);
        });
        id
    }

    fn active(&self) -> MutexGuard<'_, Option<Active>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
