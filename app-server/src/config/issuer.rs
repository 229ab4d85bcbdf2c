//! The issuer of managed logins: codex's, unless the environment names another.

use byokey_auth::http_issuer::{Endpoint, IssuerSettings};

use super::environment::Environment;

/// The issuer of ChatGPT logins.
const ISSUER: &str = "https://auth.openai.com";
/// codex's client id; its redirect URIs are registered with it.
const CLIENT_ID: &str = "app_EMoamEEZ73f0CkXaXp7hrann";

/// Reads the addresses from the environment; codex's by default.
pub(super) fn read(environment: &Environment) -> IssuerSettings {
    let named = |setting| Some(Endpoint::parse(environment.get(setting)?.trim(), setting));
    let issuer =
        named("CODEX_APP_SERVER_LOGIN_ISSUER").unwrap_or_else(|| Endpoint::parse(ISSUER, "issuer"));
    let refresh = named("CODEX_REFRESH_TOKEN_URL_OVERRIDE");
    let revoke = named("CODEX_REVOKE_TOKEN_URL_OVERRIDE")
        .or_else(|| Some(refresh.as_ref()?.beside("/oauth/revoke")));
    IssuerSettings {
        client_id: environment
            .get("CODEX_APP_SERVER_LOGIN_CLIENT_ID")
            .unwrap_or(CLIENT_ID)
            .trim()
            .to_owned(),
        refresh: refresh.unwrap_or_else(|| issuer.below("oauth/token")),
        revoke: revoke.unwrap_or_else(|| issuer.below("oauth/revoke")),
        accounts: named("CODEX_AUTHAPI_BASE_URL").unwrap_or_else(|| issuer.below("api/accounts")),
        issuer,
    }
}

#[cfg(test)]
mod tests {
    use super::{Environment, read};

    #[test]
    fn defaults_are_codexs() {
        let settings = read(&Environment::of([]));
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
            read(&environment)
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
        let settings = read(&Environment::of([(
            "CODEX_REFRESH_TOKEN_URL_OVERRIDE",
            "http://127.0.0.1:9/some/token",
        )]));
        assert_eq!(
            settings.revoke.url().unwrap().as_str(),
            "http://127.0.0.1:9/oauth/revoke"
        );
    }
}
