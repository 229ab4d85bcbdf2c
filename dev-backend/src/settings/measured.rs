//! Settings with publicly measured defaults.

use serde::{Deserialize, Serialize};

use super::unpublished::Unpublished;

/// How strict and how odd the backend is. The defaults are the measured values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Refuse what the real backend refuses: bodies, models, foreign reasoning, a missing
    /// `client_version`, a missing residency header.
    pub(crate) strict: bool,
    /// Answer in the real backend's odd shapes: streams without a content type, rate limits as
    /// their first event, an empty `output` at their end, 401 as `text/plain`.
    pub(crate) odd: bool,
    /// Answer every route with Cloudflare's challenge until the cookie that comes with it is sent
    /// back.
    pub(crate) challenge_until_cookie: bool,
    /// Refuse tokens of ChatGPT logins outside the ChatGPT backend, as api.openai.com does.
    pub(crate) api_scopes: bool,
    /// Lifetime of the issuer's access tokens.
    pub(crate) access_token_seconds: u64,
    /// Lifetime of access tokens of shared logins.
    pub(crate) shared_token_seconds: u64,
    /// The polling interval of a device login. The real issuer states 5.
    pub(crate) device_interval_seconds: u64,
    /// Whether a refresh brings an id token; the real issuer leaves it out at times.
    pub(crate) id_token_at_refresh: bool,
    /// How many credits that reset a rate limit the account has before any is spent.
    pub(crate) reset_credits: u64,
    /// What is not published about the real backend.
    pub(crate) unpublished: Unpublished,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            strict: true,
            odd: true,
            challenge_until_cookie: false,
            api_scopes: false,
            access_token_seconds: 864_000,
            shared_token_seconds: 3600,
            device_interval_seconds: 1,
            id_token_at_refresh: true,
            reset_credits: 0,
            unpublished: Unpublished::default(),
        }
    }
}
