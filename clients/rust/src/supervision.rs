//! What a host hears of, and decides about, a server that is kept running.

use std::fmt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use crate::client::ByokeyClient;
use crate::error::ByokeyError;
use crate::provider::ProviderError;

/// Pauses before the first, second, … start in a row; the last one is the ceiling.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(10),
    Duration::from_secs(60),
];

/// What to do about a server that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseAction {
    /// Start it again after the pause.
    Restart,
    /// Leave it.
    DoNotRestart,
}

/// The end of a server, or a start that failed.
#[derive(Debug)]
#[non_exhaustive]
pub struct ServerEnd {
    /// How the process ended, if it had started and that is known.
    pub status: Option<ExitStatus>,
    /// Why a restart failed; none where a running server ended.
    pub error: Option<ByokeyError>,
    /// How many ends there were in a row; a server that ran for 30 seconds begins a new row.
    pub ends_in_a_row: usize,
    /// The pause before the next start.
    pub pause: Duration,
}

/// A server that took the place of one that had ended.
#[derive(Debug)]
#[non_exhaustive]
pub struct Restart {
    /// The new server. Threads of the old one are gone.
    pub client: Arc<ByokeyClient>,
    /// How many restarts there were, this one included.
    pub restarts: usize,
    /// Why signing in again failed; none where it worked or there was nothing to do.
    pub sign_in_error: Option<ProviderError>,
}

/// The recipient of the bearer tokens that a supervisor signs in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BearerLogin {
    pub(crate) origin: String,
    pub(crate) label: Option<String>,
}

impl BearerLogin {
    /// Returns one for the configured provider with this scheme, host and port, such as
    /// `https://api.openai.com`.
    #[must_use]
    pub fn new(origin: impl Into<String>) -> Self {
        Self {
            origin: origin.into(),
            label: None,
        }
    }

    /// Sets a name of the account for users.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }
}

type OnRestart = Box<dyn Fn(Restart) + Send + Sync>;
type OnClose = Box<dyn Fn(&ServerEnd) -> CloseAction + Send + Sync>;

/// How a server is supervised.
pub struct Supervision {
    pub(crate) sign_in: bool,
    pub(crate) bearer_login: Option<BearerLogin>,
    pub(crate) on_restart: OnRestart,
    pub(crate) on_close: OnClose,
    pub(crate) pauses: Vec<Duration>,
}

impl Supervision {
    /// Returns the defaults: it signs in if there is a provider, and always starts again.
    #[must_use]
    pub fn new() -> Self {
        Self {
            sign_in: true,
            bearer_login: None,
            on_restart: Box::new(drop),
            on_close: Box::new(|_| CloseAction::Restart),
            pauses: PAUSES.to_vec(),
        }
    }

    /// Sets whether it signs in through the token provider at the start and at each restart.
    #[must_use]
    pub const fn sign_in(mut self, sign_in: bool) -> Self {
        self.sign_in = sign_in;
        self
    }

    /// Has it sign in with a bearer token of `SpawnOptions::refresh_bearer_token`, requested with the
    /// reason `login`, instead of ChatGPT tokens.
    #[must_use]
    pub fn bearer_login(mut self, bearer_login: BearerLogin) -> Self {
        self.bearer_login = Some(bearer_login);
        self
    }

    /// Sets a function that is called when a new server runs and is signed in.
    #[must_use]
    pub fn on_restart(mut self, on_restart: impl Fn(Restart) + Send + Sync + 'static) -> Self {
        self.on_restart = Box::new(on_restart);
        self
    }

    /// Sets a function that decides what follows the end of a server.
    #[must_use]
    pub fn on_close(
        mut self,
        on_close: impl Fn(&ServerEnd) -> CloseAction + Send + Sync + 'static,
    ) -> Self {
        self.on_close = Box::new(on_close);
        self
    }

    /// Sets the pauses before the first, second, … start in a row; the last one is the ceiling.
    #[must_use]
    pub fn pauses(mut self, pauses: impl IntoIterator<Item = Duration>) -> Self {
        self.pauses = pauses.into_iter().collect();
        self
    }
}

impl Default for Supervision {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Supervision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervision")
            .field("sign_in", &self.sign_in)
            .field("bearer_login", &self.bearer_login)
            .field("pauses", &self.pauses)
            .finish_non_exhaustive()
    }
}
