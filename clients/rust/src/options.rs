//! Options for spawning a server.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use byokey_protocol::initialize::{ClientCapabilities, ClientInfo};

use crate::provider::{AnyBearerProvider, AnyProvider, BearerTokenProvider, OnLog, TokenProvider};

/// Default timeout of the handshake.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// Options of [`ByokeyClient::spawn`](crate::ByokeyClient::spawn).
pub struct SpawnOptions {
    pub(crate) client_info: ClientInfo,
    pub(crate) refresh_tokens: Option<AnyProvider>,
    pub(crate) refresh_bearer_token: Option<AnyBearerProvider>,
    pub(crate) command: Option<OsString>,
    pub(crate) args: Vec<OsString>,
    pub(crate) environment: Option<Vec<(OsString, OsString)>>,
    pub(crate) working_directory: Option<PathBuf>,
    pub(crate) capabilities: Option<ClientCapabilities>,
    pub(crate) on_log: Option<OnLog>,
    pub(crate) start_timeout: Duration,
}

impl SpawnOptions {
    /// Returns the defaults, with name and version of the host, and the provider of new tokens when
    /// the backend refuses the old ones.
    #[must_use]
    pub fn new(name: &str, version: &str, refresh_tokens: impl TokenProvider) -> Self {
        Self {
            refresh_tokens: Some(AnyProvider::new(refresh_tokens)),
            ..Self::server_owns_login(name, version)
        }
    }

    /// Returns the defaults for a host that logs in with bearer tokens for the configured provider
    /// alone, with the provider of a new one when the old one is refused.
    #[must_use]
    pub fn with_bearer_token(
        name: &str,
        version: &str,
        refresh_bearer_token: impl BearerTokenProvider,
    ) -> Self {
        Self::server_owns_login(name, version).refresh_bearer_token(refresh_bearer_token)
    }

    /// Returns the defaults for a login of the server's own: in the browser, with a device code, a
    /// key, or one that it has stored. No provider is needed then.
    #[must_use]
    pub fn server_owns_login(name: &str, version: &str) -> Self {
        Self {
            client_info: ClientInfo {
                name: name.to_owned(),
                title: None,
                version: version.to_owned(),
            },
            refresh_tokens: None,
            refresh_bearer_token: None,
            command: None,
            args: vec!["app-server".into()],
            environment: None,
            working_directory: None,
            capabilities: None,
            on_log: None,
            start_timeout: START_TIMEOUT,
        }
    }

    /// Sets the provider of bearer tokens, beside that of ChatGPT tokens.
    #[must_use]
    pub fn refresh_bearer_token(mut self, provider: impl BearerTokenProvider) -> Self {
        self.refresh_bearer_token = Some(AnyBearerProvider::new(provider));
        self
    }

    /// Sets the program. By default: `BYOKEY_BIN`, then `byokey` beside the host's program, then on
    /// the search path.
    #[must_use]
    pub fn command(mut self, command: impl Into<OsString>) -> Self {
        self.command = Some(command.into());
        self
    }

    /// Sets its arguments, instead of `app-server`.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args = args.into_iter().map(Into::into).collect();
        self
    }

    /// Sets its environment, instead of that of this process.
    #[must_use]
    pub fn environment<N: Into<OsString>, V: Into<OsString>>(
        mut self,
        environment: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let own = |(name, value): (N, V)| (name.into(), value.into());
        self.environment = Some(environment.into_iter().map(own).collect());
        self
    }

    /// Sets its working directory.
    #[must_use]
    pub fn working_directory(mut self, folder: impl Into<PathBuf>) -> Self {
        self.working_directory = Some(folder.into());
        self
    }

    /// Sets the host's capabilities.
    #[must_use]
    pub fn capabilities(mut self, capabilities: ClientCapabilities) -> Self {
        self.capabilities = Some(capabilities);
        self
    }

    /// Sets a function for each line of the server's standard error, and for the redacted lines of
    /// a token command. Without it only the last lines are kept, for errors.
    #[must_use]
    pub fn on_log(mut self, on_log: impl Fn(String) + Send + Sync + 'static) -> Self {
        self.on_log = Some(Arc::new(on_log));
        self
    }

    /// Sets the timeout of the handshake, instead of 10 seconds.
    #[must_use]
    pub const fn start_timeout(mut self, timeout: Duration) -> Self {
        self.start_timeout = timeout;
        self
    }
}

impl fmt::Debug for SpawnOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The environment may contain secrets.
        f.debug_struct("SpawnOptions")
            .field("client_info", &self.client_info)
            .field("command", &self.command)
            .field("args", &self.args)
            .field("working_directory", &self.working_directory)
            .field("capabilities", &self.capabilities)
            .field("start_timeout", &self.start_timeout)
            .finish_non_exhaustive()
    }
}
