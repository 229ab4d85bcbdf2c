//! The client: spawns a server and calls it.

use std::process::ExitStatus;
use std::sync::{Arc, OnceLock};

use byokey_protocol::account::{AccountReadParams, AccountReadResult, LogoutParams};
use byokey_protocol::bearer_token::BearerTokenLogin;
use byokey_protocol::empty::Empty;
use byokey_protocol::external_auth::ExternalTokens;
use byokey_protocol::initialize::{InitializeParams, InitializeResult};
use byokey_protocol::limits::{RateLimitsReadParams, RateLimitsReadResult};
use byokey_protocol::login::{
    LoginCancelParams, LoginCancelResult, LoginCompleteParams, LoginStartParams, LoginStartResult,
};
use byokey_protocol::methods::{self, Request};
use byokey_protocol::models::{ModelListParams, ModelListResult};
use byokey_protocol::secret::Secret;
use byokey_protocol::thread::{ThreadResumeParams, ThreadStartParams, ThreadStartResult};
use byokey_protocol::turn::{TurnInterruptParams, TurnStartParams, TurnStartResult};
use byokey_protocol::usage::{UsageReadParams, UsageReadResult};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::account::{Account, Keeper};
use crate::connection::Connection;
use crate::error::ByokeyError;
use crate::events::EventStream;
use crate::identify::explain_end;
use crate::options::SpawnOptions;

type Result<T> = std::result::Result<T, ByokeyError>;

/// A spawned server, and the connection to it. Dropping it kills the server.
///
/// Dropping the future of a call cancels the call at the server.
#[derive(Debug)]
pub struct ByokeyClient {
    connection: Arc<Connection>,
    server: InitializeResult,
    account: OnceLock<Keeper>,
}

impl ByokeyClient {
    /// Starts a server and runs the handshake. Call it inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// [`ByokeyError::ServerNotFound`], [`ByokeyError::StartTimeout`], or a failure of the
    /// handshake.
    pub async fn spawn(options: SpawnOptions) -> Result<Self> {
        let connection = Connection::start(&options)?;
        let after = options.start_timeout;
        let params = InitializeParams {
            client_info: options.client_info,
            capabilities: options.capabilities,
            process_id: Some(std::process::id()),
        };
        let handshake = connection.request::<methods::Initialize>(params);
        let server = match timeout(after, handshake).await {
            Ok(Ok(server)) => server,
            Ok(Err(error)) => {
                connection.close().await;
                return Err(explain_end(error, &connection.program.found).await);
            }
            Err(_) => {
                connection.close().await;
                let launched = Some(connection.program.launched());
                return Err(ByokeyError::StartTimeout { after, launched });
            }
        };
        if server
            .server_info
            .as_ref()
            .is_some_and(|it| it.name == "byokey")
        {
            connection.trust();
        }
        connection.notify::<methods::Initialized>(&Empty {});
        Ok(Self {
            connection: Arc::new(connection),
            server,
            account: OnceLock::new(),
        })
    }

    /// Starts a login. Tokens, as from a provider, and keys are in force afterwards.
    ///
    /// # Errors
    ///
    /// [`ByokeyError::Login`] among others.
    pub async fn login(&self, params: impl Into<Login>) -> Result<LoginStartResult> {
        let Login(params) = params.into();
        self.request::<methods::LoginStart>(params).await
    }

    /// Cancels a pending login.
    ///
    /// # Errors
    ///
    /// The server's error.
    pub async fn cancel_login(&self, login_id: &str) -> Result<LoginCancelResult> {
        let login_id = login_id.to_owned();
        let params = LoginCancelParams { login_id };
        self.request::<methods::LoginCancel>(params).await
    }

    /// Completes a browser login with the address that the browser was redirected to.
    ///
    /// # Errors
    ///
    /// [`ByokeyError::Login`] among others.
    pub async fn complete_login(&self, login_id: &str, redirect_url: &str) -> Result<()> {
        let params = LoginCompleteParams {
            login_id: login_id.to_owned(),
            redirect_url: Secret::from(redirect_url),
        };
        self.request::<methods::LoginComplete>(params)
            .await
            .map(drop)
    }

    /// Logs out. A login of the server is revoked at the issuer, unless `revoke` is false.
    ///
    /// # Errors
    ///
    /// [`ByokeyError::Login`] among others.
    pub async fn logout(&self, revoke: Option<bool>) -> Result<()> {
        let params = LogoutParams { revoke };
        self.request::<methods::Logout>(params).await.map(drop)
    }

    /// Returns the account, without network requests.
    ///
    /// # Errors
    ///
    /// The server's error.
    pub async fn read_account(&self) -> Result<AccountReadResult> {
        self.request::<methods::AccountRead>(AccountReadParams::default())
            .await
    }

    /// Reads the rate limits from the backend.
    ///
    /// # Errors
    ///
    /// [`ByokeyError::SignInRequired`], [`ByokeyError::RefreshFailed`] and
    /// [`ByokeyError::Backend`] among others.
    pub async fn read_rate_limits(&self) -> Result<RateLimitsReadResult> {
        self.request::<methods::RateLimitsRead>(RateLimitsReadParams::default())
            .await
    }

    /// Reads the token usage from the backend.
    ///
    /// # Errors
    ///
    /// As for [`ByokeyClient::read_rate_limits`].
    pub async fn read_usage(&self) -> Result<UsageReadResult> {
        self.request::<methods::UsageRead>(UsageReadParams::default())
            .await
    }

    /// Lists the available models of the backend.
    ///
    /// # Errors
    ///
    /// As for [`ByokeyClient::read_rate_limits`].
    pub async fn list_models(&self) -> Result<ModelListResult> {
        self.request::<methods::ModelList>(ModelListParams::default())
            .await
    }

    /// Starts a text conversation.
    ///
    /// # Errors
    ///
    /// The server's error.
    pub async fn start_thread(&self, params: ThreadStartParams) -> Result<ThreadStartResult> {
        self.request::<methods::ThreadStart>(params).await
    }

    /// Resumes a thread of this server.
    ///
    /// # Errors
    ///
    /// [`ByokeyError::InvalidRequest`] if it does not exist.
    pub async fn resume_thread(&self, thread_id: &str) -> Result<ThreadStartResult> {
        let params = ThreadResumeParams {
            thread_id: thread_id.to_owned(),
            model: None,
            history: None,
            path: None,
        };
        self.request::<methods::ThreadResume>(params).await
    }

    /// Starts a turn in a thread; the answer is streamed in events.
    ///
    /// # Errors
    ///
    /// [`ByokeyError::InvalidRequest`] if the thread does not exist or has a turn in progress.
    pub async fn start_turn(&self, params: TurnStartParams) -> Result<TurnStartResult> {
        self.request::<methods::TurnStart>(params).await
    }

    /// Interrupts a turn.
    ///
    /// # Errors
    ///
    /// [`ByokeyError::InvalidRequest`] if there is none.
    pub async fn interrupt_turn(&self, thread_id: &str, turn_id: &str) -> Result<()> {
        let params = TurnInterruptParams {
            thread_id: thread_id.to_owned(),
            turn_id: turn_id.to_owned(),
        };
        self.request::<methods::TurnInterrupt>(params)
            .await
            .map(drop)
    }

    /// Calls any method of [`byokey_protocol::methods`].
    ///
    /// # Errors
    ///
    /// The server's error; [`ByokeyError::UnexpectedAnswer`] if its result does not have the
    /// expected type.
    pub async fn request<M>(&self, params: M::Params) -> Result<M::Result>
    where
        M: Request<Params: Serialize, Result: DeserializeOwned + Send + 'static>,
    {
        self.connection.request::<M>(params).await
    }

    /// Calls any method by name, with JSON.
    ///
    /// # Errors
    ///
    /// The server's error.
    pub async fn request_value(&self, method: &str, params: Value) -> Result<Value> {
        let result = self.connection.request_raw(method, &params).await?;
        Ok(serde_json::from_str(result.get()).unwrap_or_default())
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(crate) fn shared_connection(&self) -> Arc<Connection> {
        Arc::clone(&self.connection)
    }

    /// Returns a stream of the events from now on. The first stream begins with those before it.
    #[must_use]
    pub fn events(&self) -> EventStream {
        self.connection.events.stream()
    }

    /// Returns the account, kept current from the first use of this on, which reads it, as does
    /// every `account/updated`. It is `None` without an account, before the first read, and after
    /// the end of the server.
    ///
    /// Call it inside a tokio runtime.
    #[must_use]
    pub fn account(&self) -> watch::Receiver<Option<Account>> {
        let keeper = self.account.get_or_init(|| Keeper::new(&self.connection));
        keeper.account.clone()
    }

    /// Returns the server's description of itself.
    #[must_use]
    pub const fn server(&self) -> &InitializeResult {
        &self.server
    }

    /// Returns the id of the server's process, if it was still running after its start.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.connection.pid
    }

    /// Waits until the server has ended, for whatever reason, and returns its exit status.
    pub async fn closed(&self) -> Option<ExitStatus> {
        self.connection.closed().await
    }

    /// Ends the server. Pending calls fail with [`ByokeyError::ConnectionClosed`].
    pub async fn close(&self) {
        self.connection.close().await;
    }
}

/// The argument of [`ByokeyClient::login`]: parameters of any login, or tokens.
#[derive(Debug)]
pub struct Login(LoginStartParams);

impl From<LoginStartParams> for Login {
    fn from(params: LoginStartParams) -> Self {
        Self(params)
    }
}

impl From<BearerTokenLogin> for Login {
    fn from(login: BearerTokenLogin) -> Self {
        Self(LoginStartParams::BearerToken(login))
    }
}

impl From<ExternalTokens> for Login {
    fn from(tokens: ExternalTokens) -> Self {
        Self(LoginStartParams::ChatgptAuthTokens(tokens))
    }
}
