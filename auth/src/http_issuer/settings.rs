//! The addresses of the issuer, as plain values.

use byokey_http::may_carry_login;
use url::Url;

/// Where logins are made.
#[derive(Clone, Debug)]
pub struct IssuerSettings {
    /// The client's name at the issuer.
    pub client_id: String,
    /// The issuer, without a slash at the end.
    pub issuer: Endpoint,
    /// Where tokens are renewed.
    pub refresh: Endpoint,
    /// Where tokens are revoked.
    pub revoke: Endpoint,
    /// Base of the calls that return the owner of a personal access token, without a slash at the
    /// end.
    pub accounts: Endpoint,
}

/// An address that secrets may be sent to, or the setting that named another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(Result<Url, &'static str>);

impl Endpoint {
    /// Reads the address that a setting names. One that secrets must not be sent to is unusable
    /// and named by its setting in every failure.
    #[must_use]
    pub fn parse(text: &str, setting: &'static str) -> Self {
        let url = Url::parse(text).ok().filter(may_carry_login);
        Self(url.ok_or(setting))
    }

    /// Returns the address.
    ///
    /// # Errors
    ///
    /// The name of the setting whose address must not receive secrets.
    pub fn url(&self) -> Result<&Url, &'static str> {
        self.0.as_ref().map_err(|setting| *setting)
    }

    /// Returns an address under this one.
    ///
    /// # Errors
    ///
    /// As [`Endpoint::url`].
    pub fn join(&self, path: &str) -> Result<Url, &'static str> {
        self.url().map(|base| {
            let mut url = base.clone();
            let joined = format!("{}/{path}", base.path().trim_end_matches('/'));
            url.set_path(&joined);
            url
        })
    }

    /// Returns the endpoint under this one.
    #[must_use]
    pub fn below(&self, path: &str) -> Self {
        Self(self.join(path))
    }

    /// Returns the endpoint of the same origin with this path.
    #[must_use]
    pub fn beside(&self, path: &str) -> Self {
        Self(self.0.clone().map(|mut url| {
            url.set_path(path);
            url
        }))
    }
}
