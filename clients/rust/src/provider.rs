//! The source of tokens.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use byokey_protocol::bearer_token::{BearerToken, BearerTokenRefreshParams};
use byokey_protocol::external_auth::{ExternalTokens, RefreshParams};
use byokey_protocol::open::Open;
use byokey_protocol::secret::Secret;

/// Receives the lines of the server's log and of a token command's standard error.
pub(crate) type OnLog = Arc<dyn Fn(String) + Send + Sync>;

/// Why a provider has no tokens. It stays in this process.
pub type ProviderError = Box<dyn Error + Send + Sync>;

/// Supplies tokens. Implemented by async functions and closures that take [`RefreshParams`].
pub trait TokenProvider: Send + Sync + 'static {
    /// Returns new tokens, for this reason and in place of those of this account.
    fn tokens(
        &self,
        request: RefreshParams,
    ) -> impl Future<Output = Result<ExternalTokens, ProviderError>> + Send;
}

impl<F, Answer> TokenProvider for F
where
    F: Fn(RefreshParams) -> Answer + Send + Sync + 'static,
    Answer: Future<Output = Result<ExternalTokens, ProviderError>> + Send,
{
    fn tokens(
        &self,
        request: RefreshParams,
    ) -> impl Future<Output = Result<ExternalTokens, ProviderError>> + Send {
        self(request)
    }
}

/// Supplies bearer tokens for the configured provider. Implemented by async functions and closures
/// that take [`BearerTokenRefreshParams`].
pub trait BearerTokenProvider: Send + Sync + 'static {
    /// Returns a new token for this origin and the account of the login.
    fn token(
        &self,
        request: BearerTokenRefreshParams,
    ) -> impl Future<Output = Result<BearerToken, ProviderError>> + Send;
}

impl<F, Answer> BearerTokenProvider for F
where
    F: Fn(BearerTokenRefreshParams) -> Answer + Send + Sync + 'static,
    Answer: Future<Output = Result<BearerToken, ProviderError>> + Send,
{
    fn token(
        &self,
        request: BearerTokenRefreshParams,
    ) -> impl Future<Output = Result<BearerToken, ProviderError>> + Send {
        self(request)
    }
}

/// Returns tokens of a ChatGPT account, as providers supply them and `login` accepts them.
#[must_use]
pub fn tokens(access_token: &str, chatgpt_account_id: &str) -> ExternalTokens {
    ExternalTokens {
        access_token: Secret::from(access_token),
        chatgpt_account_id: Some(chatgpt_account_id.to_owned()),
        chatgpt_plan_type: None,
        id_token: None,
        workspace_routing: None,
    }
}

/// Returns the parameters for requesting the first tokens: the reason is `login`.
#[must_use]
pub fn first_login() -> RefreshParams {
    RefreshParams {
        reason: Open::Unknown("login".into()),
        previous_account_id: None,
    }
}

type BearerAnswer = Pin<Box<dyn Future<Output = Result<BearerToken, ProviderError>> + Send>>;

/// A provider of bearer tokens, of any type.
#[derive(Clone)]
pub(crate) struct AnyBearerProvider(
    Arc<dyn Fn(BearerTokenRefreshParams) -> BearerAnswer + Send + Sync>,
);

impl AnyBearerProvider {
    pub(crate) fn new(provider: impl BearerTokenProvider) -> Self {
        let provider = Arc::new(provider);
        Self(Arc::new(move |request| {
            let provider = Arc::clone(&provider);
            Box::pin(async move { provider.token(request).await })
        }))
    }

    pub(crate) async fn ask(
        &self,
        request: BearerTokenRefreshParams,
    ) -> Result<BearerToken, ProviderError> {
        (self.0)(request).await
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<ExternalTokens, ProviderError>> + Send>>;

tokio::task_local! {
    /// Where a command's standard error goes: `on_log` of the client that asks.
    pub(crate) static LOG_OF_THE_CLIENT: Option<OnLog>;
}

/// A provider of any type, and the log of the client that asks it.
#[derive(Clone)]
pub(crate) struct AnyProvider {
    ask: Arc<dyn Fn(RefreshParams) -> Answer + Send + Sync>,
    on_log: Option<OnLog>,
}

impl AnyProvider {
    pub(crate) fn new(provider: impl TokenProvider) -> Self {
        let provider = Arc::new(provider);
        Self {
            ask: Arc::new(move |request| {
                let provider = Arc::clone(&provider);
                Box::pin(async move { provider.tokens(request).await })
            }),
            on_log: None,
        }
    }

    /// Has a token command write to this log.
    pub(crate) fn logging_to(self, on_log: Option<OnLog>) -> Self {
        Self { on_log, ..self }
    }

    /// Sends only the three members of today's form.
    pub(crate) async fn ask(
        &self,
        request: RefreshParams,
    ) -> Result<ExternalTokens, ProviderError> {
        let answer = (self.ask)(request);
        let tokens = LOG_OF_THE_CLIENT.scope(self.on_log.clone(), answer).await?;
        Ok(ExternalTokens {
            id_token: None,
            ..tokens
        })
    }
}
