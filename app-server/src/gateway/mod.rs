//! The gateway: a loopback HTTP endpoint that local programs use in place of the backend. It
//! attaches the credential in force; those programs hold a bearer of this gateway only.
//!
//! A request passes `exchange` from the top to the bottom: admission (the rules of our WebSocket
//! port: no `Origin`, a known `Host`, a bearer), the one table of `routes`, its `body`, then
//! [`Backend`], which attaches the credential and recovers from a 401, and back as a stream. Nothing of
//! a request is read before its bearer is checked. No header for CORS is ever sent.
//!
//! The bearer is random and dies with the gateway. It begins with `at-`, by which codex takes it for
//! a personal access token, and asks this gateway for its owner (`whoami`).

mod body;
mod counts;
mod descriptors;
mod error;
mod exchange;
mod fit;
mod forward;
#[cfg_attr(unix, path = "key/unix.rs")]
#[cfg_attr(not(unix), path = "key/unsupported.rs")]
mod key;
mod listener;
mod members;
mod models;
mod output;
mod record;
mod routes;
mod turn;
mod whoami;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use byokey_auth::{AuthManager, Credential, Lease, PERSONAL_TOKEN_PREFIX, PeerId};
use byokey_base::clock::Clock;
use byokey_protocol::secret::Secret;
use byokey_rpc::websocket::{BearerRule, PortGuard, random_token};
use tokio::task::AbortHandle;
use url::Url;
use zeroize::Zeroizing;

pub use counts::Counts;
pub use key::{KeyError, KeySocket, read_key, read_status};
pub use record::Recorder;

use crate::backend::{Backend, destinations};
use exchange::{Served, Shared};

/// The folder of sockets in our home, and the name of the gateway's in it.
const SOCKET: [&str; 2] = ["run", "gateway.sock"];

/// Returns the path of the socket on which `byokey gateway key` is answered.
#[must_use]
pub fn key_socket(byokey_home: &Path) -> PathBuf {
    let [folder, name] = SOCKET;
    byokey_home.join(folder).join(name)
}

/// What a gateway stands on.
#[derive(Clone, Debug)]
pub struct Dependencies {
    /// Sends the calls.
    pub backend: Arc<Backend>,
    /// Has the credential in force.
    pub auth: Arc<AuthManager>,
    /// The time of day.
    pub clock: ClockHandle,
}

/// A clock, shared.
#[derive(Clone)]
pub struct ClockHandle(pub Arc<dyn Clock>);

impl std::fmt::Debug for ClockHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClockHandle").finish_non_exhaustive()
    }
}

/// The logins that a gateway may use.
#[derive(Clone, Copy, Debug)]
pub enum Owner {
    /// Those of this program.
    Program,
    /// Those of this program, and those that this connection supplied.
    Connection(PeerId),
}

impl Owner {
    /// Returns whether it may use this login. A host-owned one belongs to its supplier.
    #[must_use]
    pub fn may_use(self, lease: &Lease) -> bool {
        let supplier = match &*lease.credential {
            Credential::External(login) => login.supplier,
            Credential::Bearer(login) => login.supplier,
            Credential::ApiKey(_) | Credential::Managed(_) | Credential::PersonalAccessToken(_) => {
                return true;
            }
        };
        matches!(self, Self::Connection(peer) if peer == supplier)
    }
}

/// Settings of one gateway.
#[derive(Debug)]
pub struct Settings {
    /// The logins that it may use.
    pub owner: Owner,
    /// Its port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Where turns are recorded.
    pub recorder: Option<Arc<Recorder>>,
}

/// Why a gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken, or the system refuses.
    #[error("cannot listen on 127.0.0.1:{0}: {1}; choose another port, or none for a free one")]
    Port(u16, io::Error),
    /// There are no random bytes, or no runtime.
    #[error("cannot start the gateway: {0}")]
    System(#[from] io::Error),
    /// The configuration sends calls to this port.
    #[error(
        "{0} is at this port, so the gateway would call itself; change `chatgpt_base_url` or \
         `openai_base_url` in config.toml, or select another provider with `-c \
         model_provider=openai`"
    )]
    OwnAddress(&'static str),
}

/// A gateway that serves. It ends on drop, with all its connections.
#[derive(Debug)]
pub struct Gateway {
    port: u16,
    bearer: Arc<Secret>,
    counts: Arc<Counts>,
    task: AbortHandle,
}

impl Gateway {
    /// Starts a gateway. Call it within a runtime.
    ///
    /// # Errors
    ///
    /// [`StartError`]
    pub fn start(dependencies: Dependencies, settings: Settings) -> Result<Self, StartError> {
        let Settings {
            owner,
            port,
            recorder,
        } = settings;
        descriptors::raise();
        let asked = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let bind = || {
            let bound = TcpListener::bind(asked)?;
            bound.set_nonblocking(true)?;
            let address = bound.local_addr()?;
            Ok((bound, address))
        };
        let (bound, address) = bind().map_err(|error| StartError::Port(port, error))?;
        let Dependencies {
            backend,
            auth,
            clock,
        } = dependencies;
        let config = backend.config();
        // Another login may come.
        let all = [true, false].map(|is_chatgpt| destinations(&config, is_chatgpt));
        let mut all = all.into_iter().flatten();
        if let Some(own) = all.find(|it| it.url.as_ref().is_ok_and(|url| is_here(url, address))) {
            return Err(StartError::OwnAddress(own.what));
        }
        let bearer = Zeroizing::new([PERSONAL_TOKEN_PREFIX, &random_token()?].concat());
        let rule = BearerRule::capability(bearer.as_bytes());
        let counts = Arc::<Counts>::default();
        let guard = PortGuard::new(address, rule, clock.0);
        let served = Served {
            backend,
            auth,
            owner,
            recorder,
            counts: Arc::clone(&counts),
        };
        let shared = Shared::new(guard, served);
        let listener = tokio::net::TcpListener::from_std(bound)?;
        let task = tokio::spawn(listener::serve(listener, Arc::new(shared)));
        Ok(Self {
            port: address.port(),
            bearer: Arc::new(Secret::from(bearer.as_str())),
            counts,
            task: task.abort_handle(),
        })
    }

    /// Returns its address, without a path.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Returns the bearer that it admits.
    #[must_use]
    pub fn bearer(&self) -> &Arc<Secret> {
        &self.bearer
    }

    /// Returns what it has counted.
    #[must_use]
    pub const fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Returns whether this address leads to the port.
fn is_here(url: &Url, address: SocketAddr) -> bool {
    byokey_http::is_loopback(url) && url.port_or_known_default() == Some(address.port())
}
