//! The issuer of managed logins: codex's, unless the environment names another.

use byokey_http::may_carry_login;
use url::Url;

use super::environment::Environment;

/// The issuer of ChatGPT logins.
const ISSUER: &str = "https://auth.openai.com";
/// codex's client id; its redirect URIs are registered with it.
const CLIENT_ID: &str = "app_EMoamEEZ73f0CkXaXp7hrann";

/// The issuer's endpoints.
#[derive(Clone, Debug)]
pub struct IssuerSettings {
    /// The client id.
    pub client_id: String,
    /// The issuer, without a trailing slash.
    pub issuer: Endpoint,
    /// The token endpoint for renewals.
    pub refresh: Endpoint,
    /// The revocation endpoint.
    pub revoke: Endpoint,
    /// Base of the calls that return the owner of a personal access token, without a trailing
    /// slash.
    pub accounts: Endpoint,
}

/// A URL to which secrets may be sent, or the setting that names a forbidden one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(Result<Url, &'static str>);

impl Endpoint {
    /// Returns the URL.
    ///
    /// # Errors
    ///
    /// The name of the setting with a forbidden URL.
    pub fn url(&self) -> Result<&Url, &'static str> {
        self.0.as_ref().map_err(|setting| *setting)
    }

    /// Returns a URL under this one.
    ///
    /// # Errors
    ///
    /// As [`Endpoint::url`].
    pub fn join(&self, path: &str) -> Result<Url, &'static str> {
        self.url().map(|base| below(base, path))
    }

    fn below(&self, path: &str) -> Self {
        Self(self.join(path))
    }

    fn read(environment: &Environment, setting: &'static str) -> Option<Self> {
        let text = environment.get(setting)?.trim();
        let url = Url::parse(text).ok().filter(may_carry_login);
        Some(Self(url.ok_or(setting)))
    }

    fn public(address: &str) -> Self {
        Self(Url::parse(address).map_err(|_| "issuer"))
    }
}

impl IssuerSettings {
    pub(super) fn read(environment: &Environment) -> Self {
        let named = |setting| Endpoint::read(environment, setting);
        let issuer =
            named("CODEX_APP_SERVER_LOGIN_ISSUER").unwrap_or_else(|| Endpoint::public(ISSUER));
        let refresh = named("CODEX_REFRESH_TOKEN_URL_OVERRIDE");
        let revoke = named("CODEX_REVOKE_TOKEN_URL_OVERRIDE").or_else(|| {
            let refresh = refresh.clone()?;
            Some(Endpoint(refresh.0.map(|mut url| {
                url.set_path("/oauth/revoke");
                url
            })))
        });
        Self {
            client_id: environment
                .get("CODEX_APP_SERVER_LOGIN_CLIENT_ID")
                .unwrap_or(CLIENT_ID)
                .trim()
                .to_owned(),
            refresh: refresh.unwrap_or_else(|| issuer.below("oauth/token")),
            revoke: revoke.unwrap_or_else(|| issuer.below("oauth/revoke")),
            accounts: named("CODEX_AUTHAPI_BASE_URL")
                .unwrap_or_else(|| issuer.below("api/accounts")),
            issuer,
        }
    }
}

fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let joined = format!("{}/{path}", base.path().trim_end_matches('/'));
    url.set_path(&joined);
    url
}

#[cfg(test)]
mod tests {
    use super::{Environment, IssuerSettings};

    #[test]
    fn defaults_are_codexs() {
        let settings = IssuerSettings::read(&Environment::of([]));
        let address = |endpoint: &super::Endpoint| endpoint.url().unwrap().to_string();
        assert_eq!(settings.client_id, "app_EMoamEEZ73f0CkXaXp7hrann");
        assert_eq!(
            address(&settings.refresh),
            "https://auth.openai.com/oauth/token"
        );
        assert_eq!(
            address(&settings.revoke),
            "https://auth.openai.com/oauth/revoke"
        );
        assert_eq!(
            address(&settings.accounts),
            "https://auth.openai.com/api/accounts"
        );
    }

    #[test]
    fn an_address_off_this_machine_has_to_be_encrypted() {
        let named = |address| {
            let environment = Environment::of([("CODEX_APP_SERVER_LOGIN_ISSUER", address)]);
            IssuerSettings::read(&environment)
        };
        for good in [
            "https://issuer.example",
            "http://127.0.0.1:9/x",
            "http://[::1]:9",
            "http://localhost:9",
        ] {
            assert!(named(good).issuer.url().is_ok(), "{good}");
        }
        for bad in [
            "http://issuer.example",
            "http://localhost.example",
            "http://127.0.0.1.example",
            "http://127.0.0.1@issuer.example",
            "https://user@issuer.example",
            "http://0.0.0.0:9",
            "http://192.168.0.1",
            "ftp://127.0.0.1",
            "file:///tmp",
            "nonsense",
        ] {
            let settings = named(bad);
            let refused = Err("CODEX_APP_SERVER_LOGIN_ISSUER");
            assert_eq!(settings.issuer.url().map(|_| ()), refused, "{bad}");
            assert_eq!(settings.refresh.url().map(|_| ()), refused, "{bad}");
        }
    }

    #[test]
    fn tokens_are_given_back_where_they_are_renewed() {
        let settings = IssuerSettings::read(&Environment::of([(
            "CODEX_REFRESH_TOKEN_URL_OVERRIDE",
            "http://127.0.0.1:9/some/token",
        )]));
        assert_eq!(
            settings.revoke.url().unwrap().as_str(),
            "http://127.0.0.1:9/oauth/revoke"
        );
    }
}
