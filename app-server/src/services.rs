//! What handlers work with: one of each, shared by all connections.

use std::fmt;
use std::sync::Arc;

use byokey_protocol::initialize::HardeningReport;

use crate::auth::AuthManager;
use crate::backend::Backend;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::peers::{PeerHost, Peers};
use crate::threads::Threads;

/// One of each, shared by all connections.
pub struct Services {
    /// Settings.
    pub config: Arc<Config>,
    /// Whom to tell and to ask.
    pub peers: Arc<Peers>,
    /// The credential in force.
    pub auth: Arc<AuthManager>,
    /// The backend.
    pub backend: Arc<Backend>,
    /// The conversations.
    pub threads: Threads,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// How the process is protected.
    pub hardening: HardeningReport,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").finish_non_exhaustive()
    }
}

impl Services {
    /// Nobody connected, nobody signed in.
    #[must_use]
    pub fn new(config: Config, hardening: HardeningReport) -> Arc<Self> {
        Self::with_clock(config, hardening, Arc::new(SystemClock))
    }

    /// The same, with a clock of the caller's.
    #[must_use]
    pub fn with_clock(
        config: Config,
        hardening: HardeningReport,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        let (config, peers) = (Arc::new(config), Arc::new(Peers::default()));
        let host = Arc::new(PeerHost(Arc::clone(&peers)));
        let auth = AuthManager::new(config.policy.clone(), host, Arc::clone(&clock));
        let backend = Arc::new(Backend::new(Arc::clone(&auth), Arc::clone(&config)));
        let threads = Threads::default();
        Arc::new(Self {
            config,
            peers,
            auth,
            backend,
            threads,
            clock,
            hardening,
        })
    }
}
