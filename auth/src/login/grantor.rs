//! What a login asks of the issuer.

use std::time::Duration;

use byokey_protocol::secret::Secret;

use crate::{IssuerAnswer, IssuerFailure, ManagedTokens};

/// Grants logins. Every answer has a deadline.
pub trait Grantor: Send + Sync {
    /// The page where the user signs in with the browser.
    ///
    /// # Errors
    ///
    /// [`IssuerFailure::Unusable`].
    fn authorize_url(&self, request: &AuthorizeRequest<'_>) -> Result<String, IssuerFailure>;

    /// Trades a code for tokens.
    fn exchange(&self, grant: &CodeGrant) -> IssuerAnswer<ManagedTokens>;

    /// Begins a login on another device.
    fn device_code(&self) -> IssuerAnswer<DeviceCode>;

    /// Asks whether the user has signed in on the other device.
    fn poll_device(&self, code: &DeviceCode) -> IssuerAnswer<DevicePoll>;
}

/// What the page for the browser has to know.
#[derive(Debug)]
pub struct AuthorizeRequest<'a> {
    /// Where the browser is sent afterwards.
    pub redirect_uri: &'a str,
    /// Digest of the verifier.
    pub code_challenge: &'a str,
    /// Comes back with the browser.
    pub state: &'a Secret,
    /// The program that asks.
    pub originator: &'a str,
    /// The workspaces of which one has to be chosen; none means any.
    pub allowed_workspaces: &'a [String],
}

/// What tokens are traded for.
#[derive(Debug)]
pub struct CodeGrant {
    /// The code.
    pub code: Secret,
    /// Proves that whoever began the login ends it.
    pub verifier: Secret,
    /// The address that the code was sent to.
    pub redirect_uri: String,
}

/// A login that waits for another device.
#[derive(Debug)]
pub struct DeviceCode {
    /// Names the login to the issuer.
    pub device_auth_id: Secret,
    /// What the user types.
    pub user_code: Secret,
    /// Where the user types it.
    pub verification_url: String,
    /// How long to wait between questions.
    pub interval: Duration,
}

/// Whether the user has signed in on the other device.
#[derive(Debug)]
pub enum DevicePoll {
    /// Not yet.
    Pending,
    /// Not yet, and the questions come too often.
    SlowDown,
    /// Yes; this is to be traded for tokens.
    Granted(CodeGrant),
}
