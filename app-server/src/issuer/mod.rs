//! The issuer over HTTP: issues, renews and revokes tokens, and returns the owner of a personal
//! access token.
//!
//! Redirects are not followed, bodies are zeroized, every call has a deadline, and of the issuer's
//! answers only the status appears in our texts.

mod authorize;
mod device;
mod grant;
mod refresh;
mod revoke;
mod whoami;
mod wire;

use std::fmt;
use std::sync::Arc;

use byokey_http::HttpClient;
use byokey_protocol::secret::Secret;

use crate::config::IssuerSettings;
use byokey_auth::{Issuer, IssuerAnswer, IssuerFailure, ManagedTokens, RenewedTokens, TokenOwner};

use byokey_auth::login::{AuthorizeRequest, CodeGrant, DeviceCode, DevicePoll, Grantor};
use wire::Wire;

/// The issuer that the configuration names.
pub struct HttpIssuer {
    wire: Arc<Wire>,
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
    pub(crate) fn new(http: Arc<HttpClient>, settings: IssuerSettings) -> Self {
        Self {
            wire: Arc::new(Wire::new(http)),
            settings,
        }
    }
}

impl Issuer for HttpIssuer {
    fn refresh(&self, refresh_token: &Secret) -> IssuerAnswer<RenewedTokens> {
        let request = refresh::request(&self.settings, refresh_token);
        let wire = Arc::clone(&self.wire);
        Box::pin(async move { refresh::read(&wire.send(request?).await?) })
    }

    fn revoke(&self, refresh_token: &Secret) -> IssuerAnswer<()> {
        let request = revoke::request(&self.settings, refresh_token);
        let wire = Arc::clone(&self.wire);
        Box::pin(async move {
            let answer = wire.send(request?).await?;
            answer.successful().map(|_| ())
        })
    }

    fn whoami(&self, token: &Secret) -> IssuerAnswer<TokenOwner> {
        let request = whoami::request(&self.settings, token);
        let wire = Arc::clone(&self.wire);
        Box::pin(async move { whoami::read(&wire.send(request?).await?) })
    }
}

impl Grantor for HttpIssuer {
    fn authorize_url(&self, request: &AuthorizeRequest<'_>) -> Result<String, IssuerFailure> {
        authorize::url(&self.settings, request)
    }

    fn exchange(&self, grant: &CodeGrant) -> IssuerAnswer<ManagedTokens> {
        let request = grant::request(&self.settings, grant);
        let wire = Arc::clone(&self.wire);
        Box::pin(async move { grant::read(&wire.send(request?).await?) })
    }

    fn device_code(&self) -> IssuerAnswer<DeviceCode> {
        let request = device::code_request(&self.settings);
        let (wire, settings) = (Arc::clone(&self.wire), self.settings.clone());
        Box::pin(async move { device::read_code(&settings, &wire.send(request?).await?) })
    }

    fn poll_device(&self, code: &DeviceCode) -> IssuerAnswer<DevicePoll> {
        let request = device::poll_request(&self.settings, code);
        let (wire, settings) = (Arc::clone(&self.wire), self.settings.clone());
        Box::pin(async move { device::read_poll(&settings, &wire.send(request?).await?) })
    }
}

/// Returns the failure for a setting with a forbidden URL.
fn unusable(setting: &'static str) -> IssuerFailure {
    IssuerFailure::Unusable { setting }
}
