//! The services of handlers: one of each, shared by all connections.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use byokey_http::HttpClient;
use byokey_protocol::initialize::HardeningReport;
use byokey_protocol::methods::WarningNotification;
use byokey_protocol::secret::Secret;
use byokey_protocol::warning::Warning;
use futures_util::FutureExt as _;

use crate::backend::Backend;
use crate::config::{Config, ConfigurationInvalid, LiveConfig, Stops};
use crate::peers::{PeerHost, Peers};
use crate::process::parent::ParentWatch;
use crate::process::token_commands::Runner;
use crate::server::startup::Start;
use crate::threads::Threads;
use byokey_auth::background::Background;
use byokey_auth::http_issuer::HttpIssuer;
use byokey_auth::login::{LoginDependencies, Logins};
use byokey_auth::stores;
use byokey_auth::{AuthManager, Dependencies, LoginRefusal, OwnLoginFailure};
use byokey_base::clock::{Clock, SystemClock};

/// How long the end of the process waits for background calls.
const FAREWELL: Duration = Duration::from_secs(2);

/// One of each, shared by all connections.
pub struct Services {
    /// Settings.
    pub config: Arc<LiveConfig>,
    /// The connected clients.
    pub peers: Arc<Peers>,
    /// The credential in force.
    pub auth: Arc<AuthManager>,
    /// The pending interactive logins.
    pub logins: Arc<Logins>,
    /// The backend.
    pub backend: Arc<Backend>,
    /// The conversations.
    pub threads: Arc<Threads>,
    /// The gateways of connections.
    #[cfg(feature = "gateway")]
    pub gateways: crate::server::gateways::Gateways,
    /// The progress of startup.
    pub start: Start,
    /// Background work.
    pub background: Background,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// The watched ancestors.
    pub parent: ParentWatch,
    /// The state of process hardening.
    pub hardening: HardeningReport,
    /// Why the credential from before this process is not in force.
    startup_problem: OnceLock<String>,
    /// The token from the environment, until it is installed.
    given_token: Mutex<Option<Secret>>,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").finish_non_exhaustive()
    }
}

impl Services {
    /// Returns services without connections and without a credential.
    #[must_use]
    pub fn new(config: Config, hardening: HardeningReport) -> Arc<Self> {
        Self::with_clock(config, hardening, Arc::new(SystemClock))
    }

    /// Returns the same with the process that runs token commands.
    #[must_use]
    pub fn with_token_commands(
        config: Config,
        hardening: HardeningReport,
        runner: Runner,
    ) -> Arc<Self> {
        Self::build(config, hardening, Arc::new(SystemClock), runner)
    }

    /// Returns the same with another clock.
    #[must_use]
    pub fn with_clock(
        config: Config,
        hardening: HardeningReport,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Self::build(config, hardening, clock, Runner::Unneeded)
    }

    fn build(
        mut config: Config,
        hardening: HardeningReport,
        clock: Arc<dyn Clock>,
        runner: Runner,
    ) -> Arc<Self> {
        let given_token = Mutex::new(config.access_token.take());
        let peers = Arc::new(Peers::default());
        let http = Arc::new(HttpClient::new(std::mem::take(&mut config.network)));
        let store = stores::open(config.store, config.byokey_home.as_deref());
        let issuer = Arc::new(HttpIssuer::new(Arc::clone(&http), config.issuer.clone()));
        let host = Arc::new(PeerHost(Arc::clone(&peers)));
        let dependencies = Dependencies {
            host: host.clone(),
            issuer: issuer.clone(),
            store,
            clock: Arc::clone(&clock),
        };
        let auth = AuthManager::new(config.policy.clone(), dependencies);
        let login_dependencies = LoginDependencies {
            authorization_server: issuer,
            observer: host,
            clock: Arc::clone(&clock),
        };
        let logins = Logins::new(Arc::clone(&auth), login_dependencies);
        let config = Arc::new(LiveConfig::new(config));
        let backend = Backend::new(Arc::clone(&auth), Arc::clone(&config), http, runner);
        let follower = Arc::downgrade(&backend);
        auth.on_change(move |change| {
            if let Some(backend) = follower.upgrade() {
                backend.follow(change);
            }
        });
        let threads = Threads::new(Arc::clone(&peers));
        Arc::new(Self {
            config,
            peers,
            auth,
            logins,
            backend,
            threads,
            #[cfg(feature = "gateway")]
            gateways: crate::server::gateways::Gateways::default(),
            start: Start::default(),
            background: Background::default(),
            clock,
            parent: ParentWatch::default(),
            hardening,
            startup_problem: OnceLock::new(),
            given_token,
        })
    }

    /// Returns the configuration in force.
    #[must_use]
    pub fn config(&self) -> Arc<Config> {
        self.config.current()
    }

    /// Checks that nothing in the configuration stops this. A configuration that stops anything is
    /// read again first, and a login whose restoring it stopped is restored.
    ///
    /// # Errors
    ///
    /// The remaining problem.
    pub fn check_configuration(
        self: &Arc<Self>,
        what: Stops,
    ) -> Result<Arc<Config>, ConfigurationInvalid> {
        let before = self.config();
        let config = self
            .config
            .read_again_if_stopped()
            .unwrap_or(before.clone());
        if !Arc::ptr_eq(&before, &config) {
            self.backend.follow_settings(&before);
        }
        if before.check(Stops::Logins).is_err() && config.check(Stops::Logins).is_ok() {
            self.auth.set_policy(config.policy.clone());
            self.begin();
        }
        config.check(what)?;
        Ok(config)
    }

    /// Installs the credential from the environment or the store. One that is available at once is
    /// in force when this returns; [`Start`] reports on a slow one. A failure is logged, and no
    /// credential is in force.
    pub fn begin(self: &Arc<Self>) {
        let config = self.config();
        let checked = config.check(Stops::Logins);
        if let Err(problem) = checked.and_then(|()| config.check(Stops::Restoring)) {
            tracing::error!("no credential is in force after startup: {problem}");
            return;
        }
        let services = Arc::clone(self);
        let mut restored = Box::pin(async move {
            match services.restore_from_store().await {
                Ok(()) => {}
                Err(OwnLoginFailure::Refused(
                    LoginRefusal::Overtaken
                    | LoginRefusal::ExternalAuthActive
                    | LoginRefusal::HostBearerActive,
                )) => tracing::debug!("a login or logout preceded the end of startup"),
                Err(failure) => services.report_startup_problem(&failure),
            }
        });
        if restored.as_mut().now_or_never().is_some() {
            return;
        }
        let under_way = self.start.begin();
        tokio::spawn(async move {
            restored.await;
            drop(under_way);
        });
    }

    fn report_startup_problem(&self, failure: &OwnLoginFailure) {
        let message = format!("no credential is in force after startup: {failure}");
        tracing::error!("{message}");
        self.peers.notify::<WarningNotification>(&warning(&message));
        // Startup runs once.
        drop(self.startup_problem.set(message));
    }

    /// Returns why the credential from before this process is not in force.
    #[must_use]
    pub fn startup_problem(&self) -> Option<&str> {
        self.startup_problem.get().map(String::as_str)
    }

    /// Returns the warnings about the stored login that each client gets after `initialize`.
    #[must_use]
    pub fn store_warnings(&self) -> Vec<Warning> {
        let problem = self.startup_problem.get().cloned();
        let texts = problem.into_iter().chain(self.auth.store_warnings());
        texts.map(|text| warning(&text)).collect()
    }

    async fn restore_from_store(&self) -> Result<(), OwnLoginFailure> {
        let begun = self.auth.epoch();
        if let Some(token) = self.take_given_token() {
            self.auth.check_personal_login()?;
            let credential = self.auth.introspect(token).await?;
            self.auth.restore(credential, begun)?;
            return Ok(());
        }
        self.auth.restore_from_store().await.map(|_| ())
    }

    /// Takes the token of the environment, unless it was taken.
    pub fn take_given_token(&self) -> Option<Secret> {
        self.given_token.lock().ok()?.take()
    }

    /// Waits for work that must not be lost with the process: revocations and saves.
    pub async fn end(&self) {
        let (background, auth) = (self.background.finish(FAREWELL), self.auth.finish(FAREWELL));
        tokio::join!(background, auth);
        if self.auth.is_persistent() {
            self.auth.settle_store().await;
        }
    }
}

/// Returns a warning without a thread.
fn warning(message: &str) -> Warning {
    Warning {
        thread_id: None,
        message: message.to_owned(),
    }
}
