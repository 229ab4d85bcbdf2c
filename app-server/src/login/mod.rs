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
mod server;
mod session;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use byokey_protocol::login::LoginCompleted;
use byokey_protocol::secret::Secret;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use browser::{BrowserLogin, Pasted};
pub use failure::{LoginFailure, StartFailure};
pub use grantor::{AuthorizeRequest, CodeGrant, DeviceCode, DevicePoll, Grantor};
use listener::Listener;
use server::Server;
pub use server::{Visit, visit};
pub use session::Audience;
use session::Session;

use crate::auth::AuthManager;
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
    /// The workspaces of which one has to be chosen; none means any.
    pub allowed_workspaces: Vec<String>,
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
    active: Mutex<Option<Active>>,
    last: watch::Sender<Option<LoginCompleted>>,
}

struct Active {
    id: Uuid,
    cancel: watch::Sender<bool>,
    pasted: Option<mpsc::Sender<Pasted>>,
    task: Option<JoinHandle<()>>,
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
            Self::Browser(login) => Some(match login.run(session).await.err()? {
                failed @ LoginFailure::TimedOut => failed.to_string(),
                failed => format!("Login server error: {failed}"),
            }),
            Self::Device(code) => Some(device::run(code, session).await.err()?.to_string()),
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
            active: Mutex::default(),
            last: watch::Sender::default(),
        })
    }

    /// Begins a login in the browser. Somebody else opens the page.
    ///
    /// # Errors
    ///
    /// [`StartFailure`]; no login is under way then.
    pub async fn start_browser(
        self: &Arc<Self>,
        originator: &str,
    ) -> Result<BrowserStarted, StartFailure> {
        self.auth.check_managed_login()?;
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
            allowed_workspaces: &self.outside.allowed_workspaces,
        };
        let url = self.outside.grantor.authorize_url(&request);
        let url = url.map_err(StartFailure::Browser)?;
        let (event_sender, events) = mpsc::channel(1);
        let (paste_sender, pasted) = mpsc::channel(1);
        let login = BrowserLogin {
            server: Server::new(listener, state, event_sender),
            events,
            pasted,
            verifier,
            redirect_uri,
        };
        let id = self.begin(Some(paste_sender), Waiting::Browser(login));
        Ok(BrowserStarted { id, url, port })
    }

    /// Begins a login on another device.
    ///
    /// # Errors
    ///
    /// [`StartFailure`]; no login is under way then.
    pub async fn start_device(self: &Arc<Self>) -> Result<DeviceStarted, StartFailure> {
        self.auth.check_managed_login()?;
        let _beginning = self.beginning.lock().await;
        self.end_active().await;
        let code = self.outside.grantor.device_code().await;
        let code = code.map_err(|failure| match failure {
            crate::auth::IssuerFailure::Status(status) if status.starts_with("404") => {
                StartFailure::DeviceLoginDisabled
            }
            failure => StartFailure::DeviceCode(failure),
        })?;
        let url = code.verification_url.clone();
        // EXPOSE: the user has to see it.
        let user_code = code.user_code.expose().to_owned();
        let id = self.begin(None, Waiting::Device(code));
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
        let found = active.take_if(|active| active.id == id);
        drop(active);
        found.is_some_and(|found| {
            found.cancel.send_replace(true);
            true
        })
    }

    /// Gives up whatever login is under way.
    pub fn cancel_active(&self) {
        if let Some(active) = self.active().take() {
            active.cancel.send_replace(true);
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
            if let Some(task) = active.task {
                // It ends by itself, well or not.
                drop(task.await);
            }
        }
    }

    fn begin(self: &Arc<Self>, pasted: Option<mpsc::Sender<Pasted>>, login: Waiting) -> Uuid {
        let id = Uuid::new_v4();
        let (cancel, cancelled) = watch::channel(false);
        let session = Session {
            auth: Arc::clone(&self.auth),
            grantor: Arc::clone(&self.outside.grantor),
            clock: Arc::clone(&self.outside.clock),
            begun: self.auth.epoch(),
            cancel: cancelled,
            update: OnceLock::new(),
        };
        let logins = Arc::clone(self);
        let task = tokio::spawn(async move {
            let error = login.run(&session).await;
            drop(logins.active().take_if(|active| active.id == id));
            let audience = &logins.outside.audience;
            let completed = LoginCompleted {
                login_id: Some(id.to_string()),
                success: error.is_none(),
                error,
            };
            audience.login_completed(completed.clone());
            logins.last.send_replace(Some(completed));
            if let Some(update) = session.update.into_inner() {
                audience.account_updated(update);
            }
        });
        *self.active() = Some(Active {
            id,
            cancel,
            pasted,
            task: Some(task),
        });
        id
    }

    fn active(&self) -> MutexGuard<'_, Option<Active>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
