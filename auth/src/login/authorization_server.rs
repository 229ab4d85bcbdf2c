//! The trait for the authorization server that grants logins.

use std::time::Duration;

use byokey_protocol::secret::Secret;

use crate::{IssuerAnswer, IssuerFailure, ManagedTokens};

/// Grants logins. Every call has a deadline.
pub trait AuthorizationServer: Send + Sync {
    /// Returns the authorization page for the browser.
    ///
    /// # Errors
    ///
    /// [`IssuerFailure::Unusable`].
    fn authorize_url(&self, request: &AuthorizeRequest<'_>) -> Result<String, IssuerFailure>;

    /// Exchanges a code for tokens.
    fn exchange(&self, grant: &CodeGrant) -> IssuerAnswer<ManagedTokens>;

    /// Starts a login on another device.
    fn device_code(&self) -> IssuerAnswer<DeviceCode>;

    /// Polls whether the user has logged in on the other device.
    fn poll_device(&self, code: &DeviceCode) -> IssuerAnswer<DevicePoll>;
}

/// The parameters of the authorization page.
#[derive(Debug)]
pub struct AuthorizeRequest<'a> {
    /// The redirect URI.
    pub redirect_uri: &'a str,
    /// The PKCE challenge: the digest of the verifier.
    pub code_challenge: &'a str,
    /// The CSRF state, returned with the redirect.
    pub state: &'a Secret,
    /// The requesting program.
    pub originator: &'a str,
    /// The workspaces to choose from; empty means any.
    pub allowed_workspaces: &'a [String],
}

/// What is exchanged for tokens.
#[derive(Debug)]
pub struct CodeGrant {
    /// The authorization code.
    pub code: Secret,
    /// The PKCE verifier: proves that the login is completed by the program that started it.
    pub verifier: Secret,
    /// The redirect URI that the code was sent to.
    pub redirect_uri: String,
}

/// A pending login on another device.
#[derive(Debug)]
pub struct DeviceCode {
    /// The issuer's id of the login.
    pub device_auth_id: Secret,
    /// What the user enters.
    pub user_code: Secret,
    /// Where the user enters it.
    pub verification_url: String,
    /// The polling interval.
    pub interval: Duration,
}

/// The result of polling.
#[derive(Debug)]
pub enum DevicePoll {
    /// Pending.
    Pending,
    /// Pending, and the polling is too frequent.
    SlowDown,
    /// A gateway answered in place of the issuer; it may recover, and the code is valid meanwhile.
    Unavailable,
    /// Granted; to be exchanged for tokens.
    Granted(CodeGrant),
}
