//! The issuer over HTTP: issues, renews and revokes tokens, and returns the owner of a personal
//! access token.
//!
//! Redirects are not followed, bodies are zeroized, every call has a deadline, and of the issuer's
//! answers only the status appears in our texts.

mod authorize;
mod device;
mod exchange;
mod grant;
mod refresh;
mod revoke;
mod settings;
mod whoami;

use std::fmt;
use std::sync::Arc;

use byokey_http::HttpClient;
use byokey_protocol::secret::Secret;

use crate::{Issuer, IssuerAnswer, IssuerFailure, ManagedTokens, RenewedTokens, TokenOwner};

use crate::login::{AuthorizationServer, AuthorizeRequest, CodeGrant, DeviceCode, DevicePoll};
use exchange::IssuerClient;
pub use settings::{Endpoint, IssuerSettings};

/// The issuer that the configuration names.
pub struct HttpIssuer {
    client: Arc<IssuerClient>,
    settings: IssuerSettings,
}

impl fmt::Debug for HttpIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpIssuer")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl HttpIssuer {
    /// Returns an issuer that has not connected yet.
    #[must_use]
    pub fn new(http: Arc<HttpClient>, settings: IssuerSettings) -> Self {
        Self {
            client: Arc::new(IssuerClient::new(http)),
            settings,
        }
    }
}

impl Issuer for HttpIssuer {
    fn refresh(&self, refresh_token: &Secret) -> IssuerAnswer<RenewedTokens> {
        let request = refresh::request(&self.settings, refresh_token);
        let client = Arc::clone(&self.client);
        Box::pin(async move { refresh::read(&client.send(request?).await?) })
    }

    fn revoke(&self, refresh_token: &Secret) -> IssuerAnswer<()> {
        let request = revoke::request(&self.settings, refresh_token);
        let client = Arc::clone(&self.client);
        Box::pin(async move {
            let answer = client.send(request?).await?;
            answer.successful().map(|_| ())
        })
    }

    fn whoami(&self, token: &Secret) -> IssuerAnswer<TokenOwner> {
        let request = whoami::request(&self.settings, token);
        let client = Arc::clone(&self.client);
        Box::pin(async move { whoami::read(&client.send(request?).await?) })
    }
}

impl AuthorizationServer for HttpIssuer {
    fn authorize_url(&self, request: &AuthorizeRequest<'_>) -> Result<String, IssuerFailure> {
        authorize::url(&self.settings, request)
    }

    fn exchange(&self, grant: &CodeGrant) -> IssuerAnswer<ManagedTokens> {
        let request = grant::request(&self.settings, grant);
        let client = Arc::clone(&self.client);
        Box::pin(async move { grant::read(&client.send(request?).await?) })
    }

    fn device_code(&self) -> IssuerAnswer<DeviceCode> {
        let request = device::code_request(&self.settings);
        let (client, settings) = (Arc::clone(&self.client), self.settings.clone());
        Box::pin(async move { device::read_code(&settings, &client.send(request?).await?) })
    }

    fn poll_device(&self, code: &DeviceCode) -> IssuerAnswer<DevicePoll> {
        let request = device::poll_request(&self.settings, code);
        let (client, settings) = (Arc::clone(&self.client), self.settings.clone());
        Box::pin(async move { device::read_poll(&settings, &client.send(request?).await?) })
    }
}

/// Returns the failure for a setting with a forbidden URL.
fn unusable(setting: &'static str) -> IssuerFailure {
    IssuerFailure::Unusable { setting }
}
