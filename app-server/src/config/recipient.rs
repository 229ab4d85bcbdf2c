//! Where a bearer token of the host may go: to the selected provider, if that is configured, has no
//! credential of its own, and is the recipient that the host named.

use byokey_http::{PlaintextRefusal, check_own_key};
use byokey_protocol::error::ErrorKind;
use url::Url;

use super::address;
use super::{Config, OPENAI_BASE_URL};

/// Domains of the ChatGPT backend, including their subdomains: codex's list of domains with stored
/// cookies. They take no such tokens.
pub(crate) const CHATGPT_HOSTS: [&str; 3] =
    ["chatgpt.com", "chat.openai.com", "chatgpt-staging.com"];
/// Longest origin, in bytes: room for a host name of 253 characters. Refusals name it.
const MAX_ORIGIN: usize = 300;

/// Why a bearer token may not be used with the selected provider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BearerRefusal {
    /// The host's text is not an origin.
    #[error(
        "the origin must be scheme, host and port, like https://api.example:8443, 300 bytes at most"
    )]
    NotAnOrigin,
    /// The token is for another recipient.
    #[error(
        "the token is for {given}, and the selected model provider sends to {selected}; select the \
         provider that the token is for, or give that provider's origin"
    )]
    OtherOrigin {
        /// The origin of the token.
        given: String,
        /// The origin of the provider.
        selected: String,
    },
    /// The built-in provider is selected.
    #[error(
        "the token is for {given}, and the built-in provider, which sends to {selected}, takes \
         ChatGPT accounts and API keys alone; set `model_provider` and \
         `model_providers.<id>.base_url`"
    )]
    BuiltIn {
        /// The origin of the token.
        given: String,
        /// The origin of the provider.
        selected: String,
    },
    /// The provider's address is one of the ChatGPT backend.
    #[error(
        "the token is for {given}, and the selected model provider sends to the ChatGPT backend at \
         {selected}, which gets no bearer token; log in with chatgptAuthTokens, or select another \
         provider"
    )]
    Chatgpt {
        /// The origin of the token.
        given: String,
        /// The origin of the provider.
        selected: String,
    },
    /// The provider has a credential of its own.
    #[error(
        "the selected model provider has a credential of its own; remove `env_key`, `auth`, \
         `experimental_bearer_token`, the header `authorization` and a user in `base_url` from it, \
         or select another provider"
    )]
    OwnCredential,
    /// The provider has a header that may lead the token elsewhere.
    #[error(
        "the selected model provider has a header `host`, with which its server may pass the token \
         on to another recipient; remove the header, or select another provider"
    )]
    HostHeader,
    /// The token would be sent unencrypted.
    #[error("{0}")]
    Plaintext(PlaintextRefusal),
}

impl BearerRefusal {
    /// Returns the error kind for hosts.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::NotAnOrigin => ErrorKind::InvalidParams,
            Self::OtherOrigin { .. } | Self::BuiltIn { .. } | Self::Chatgpt { .. } => {
                ErrorKind::OriginMismatch
            }
            Self::OwnCredential | Self::HostHeader => ErrorKind::LoginDisabled,
            Self::Plaintext(_) => ErrorKind::PlaintextRefused,
        }
    }
}

impl Config {
    /// Returns the normalised form of a bearer token's origin, if the token may be sent to the
    /// selected provider.
    ///
    /// # Errors
    ///
    /// [`BearerRefusal`] states the reason. It names origins, and no other part of an address.
    pub fn bearer_origin(&self, origin: &str) -> Result<String, BearerRefusal> {
        let given = address::origin(origin).filter(|_| origin.len() <= MAX_ORIGIN);
        let given = given.ok_or(BearerRefusal::NotAnOrigin)?;
        let given = given.origin().ascii_serialization();
        let provider = &self.provider;
        let base = provider.base_url.as_deref().unwrap_or(OPENAI_BASE_URL);
        // An address that cannot be parsed has stopped model calls before.
        let base = Url::parse(base).map_err(|_| BearerRefusal::NotAnOrigin)?;
        let selected = base.origin().ascii_serialization();
        if provider.is_built_in() {
            return Err(BearerRefusal::BuiltIn { given, selected });
        }
        let has_user = !base.username().is_empty() || base.password().is_some();
        let has_header = |header: &str| {
            let mut names = provider.headers.iter().map(|(name, _)| name);
            names.any(|name| name.eq_ignore_ascii_case(header))
        };
        if provider.has_own_credential() || has_header("authorization") || has_user {
            return Err(BearerRefusal::OwnCredential);
        }
        if has_header("host") {
            return Err(BearerRefusal::HostHeader);
        }
        if is_chatgpt(&base, &self.chatgpt_base_url) {
            return Err(BearerRefusal::Chatgpt { given, selected });
        }
        if given != selected {
            return Err(BearerRefusal::OtherOrigin { given, selected });
        }
        check_own_key(&base, &self.plaintext_origins).map_err(BearerRefusal::Plaintext)?;
        Ok(given)
    }
}

/// Returns whether a host is one of these domains, or below one.
pub(crate) fn is_below_any(host: &str, domains: &[&str]) -> bool {
    domains.iter().any(|domain| {
        let rest = host.strip_suffix(domain);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// Returns whether an address is one of the ChatGPT backend: the public one, or the configured one.
fn is_chatgpt(base: &Url, chatgpt_base_url: &str) -> bool {
    let host = base.host_str().unwrap_or_default().trim_end_matches('.');
    if is_below_any(host, &CHATGPT_HOSTS) {
        return true;
    }
    let Ok(chatgpt) = Url::parse(chatgpt_base_url) else {
        return false;
    };
    // Without a path of its own it may share its origin with a provider. Then these are its own: of
    // models, and of the account.
    let paths = match chatgpt.path().trim_end_matches('/') {
        "" => ["/codex", "/api/codex"],
        path => [path; 2],
    };
    let is_below = |path: &str| {
        let below = base.path().strip_prefix(path);
        below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
    };
    base.origin() == chatgpt.origin() && paths.into_iter().any(is_below)
}

#[cfg(test)]
mod tests {
    use byokey_protocol::error::ErrorKind;

    use super::super::{Config, Environment, Overrides};
    use super::BearerRefusal;

    fn config(settings: &[&str]) -> Config {
        let settings = settings.iter().map(|setting| (*setting).to_owned());
        let overrides = Overrides {
            settings: settings.collect(),
            ..Overrides::default()
        };
        let environment = [("CODEX_HOME", "/nonexistent"), ("KEY", "made-up")];
        Config::load(&Environment::of(environment), &overrides)
    }

    fn with_base(base: &str, more: &[&str]) -> Config {
        let base = format!("model_providers.mine.base_url={base}");
        let name = "model_providers.mine.name=Mine";
        let mut settings = vec!["model_provider=mine", name, &base];
        settings.extend(more);
        config(&settings)
    }

    fn kind(config: &Config, origin: &str) -> Option<ErrorKind> {
        let refused = config.bearer_origin(origin).err()?;
        Some(refused.kind())
    }

    #[test]
    fn origins_are_compared_in_their_normal_form() {
        for (base, origin, normal) in [
            (
                "https://api.example/v1",
                "https://api.example",
                "https://api.example",
            ),
            (
                "https://api.example:443/v1",
                "HTTPS://API.example/",
                "https://api.example",
            ),
            (
                "https://api.example/v1/",
                " https://api.example:443 ",
                "https://api.example",
            ),
            (
                "https://bücher.example/v1",
                "https://xn--bcher-kva.example",
                "https://xn--bcher-kva.example",
            ),
            (
                "https://[::ffff:1:2]:8443",
                "https://[0:0:0:0:0:ffff:1:2]:8443",
                "https://[::ffff:1:2]:8443",
            ),
            ("http://127.0.0.1:80/v1", "http://127.1", "http://127.0.0.1"),
        ] {
            let found = with_base(base, &[]).bearer_origin(origin);
            assert_eq!(found.as_deref(), Ok(normal), "{base} {origin}");
        }
    }

    #[test]
    fn another_origin_is_refused_and_both_are_named() {
        let config = with_base("https://api.example:8443/v1?key=CANARY", &[]);
        for other in [
            "https://api.example",
            "https://api.example:8444",
            "https://api.example.:8443",
            "https://sub.api.example:8443",
            "http://api.example:8443",
        ] {
            let refused = config.bearer_origin(other).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::OriginMismatch, "{other}");
            let text = refused.to_string();
            assert!(text.contains(other), "{text}");
            assert!(text.contains("https://api.example:8443"), "{text}");
            assert!(!text.contains("CANARY"), "{text}");
        }
    }

    #[test]
    fn what_is_more_or_less_than_an_origin_is_refused_without_naming_it() {
        let config = with_base("https://api.example/v1", &[]);
        for bad in [
            "",
            "CANARY",
            "api.example",
            "https://api.example/CANARY",
            "https://api.example?CANARY",
            "https://api.example#CANARY",
            "https://CANARY@api.example",
            "https://@api.example",
            "https://api.example\\CANARY",
            "https://*.example",
            "wss://api.example",
            "file:///CANARY",
            &format!("https://{}CANARY.example", "a.".repeat(140)),
        ] {
            let refused = config.bearer_origin(bad).unwrap_err();
            assert_eq!(refused, BearerRefusal::NotAnOrigin, "{bad}");
            assert!(!refused.to_string().contains("CANARY"));
        }
    }

    #[test]
    fn no_bearer_goes_to_the_chatgpt_backend_or_beside_another_credential() {
        let mismatch = Some(ErrorKind::OriginMismatch);
        let here = "http://127.0.0.1:9";
        let base = "chatgpt_base_url=http://127.0.0.1:9/backend-api";
        let built_in = config(&[])
            .bearer_origin("https://api.example")
            .unwrap_err();
        assert_eq!(Some(built_in.kind()), mismatch);
        for origin in ["https://api.example", "https://api.openai.com"] {
            assert!(built_in.to_string().contains(origin), "{built_in}");
        }
        assert_eq!(kind(&config(&[]), "https://api.openai.com"), mismatch);
        let openai = config(&["openai_base_url=http://127.0.0.1:9/v1"]);
        assert_eq!(kind(&openai, here), mismatch);
        for chatgpt in [
            "https://chatgpt.com",
            "https://chatgpt.com.",
            "https://sub.chatgpt.com",
            "https://chat.openai.com",
            "https://chatgpt-staging.com",
        ] {
            let config = with_base(&format!("{chatgpt}/backend-api/codex"), &[]);
            assert_eq!(kind(&config, chatgpt), mismatch, "{chatgpt}");
        }
        assert_eq!(
            kind(
                &with_base("https://notchatgpt.com", &[]),
                "https://notchatgpt.com"
            ),
            None
        );
        let below = with_base("http://127.0.0.1:9/backend-api/codex", &[base]);
        assert_eq!(kind(&below, here), mismatch);
        let beside = with_base("http://127.0.0.1:9/backend-apis", &[base]);
        assert_eq!(kind(&beside, here), None);
        let bare = "chatgpt_base_url=http://127.0.0.1:9";
        for (path, refused) in [
            ("codex", mismatch),
            ("codex/v1", mismatch),
            ("api/codex", mismatch),
            ("api/codex/v1", mismatch),
            ("api", None),
            ("v1", None),
        ] {
            let config = with_base(&format!("http://127.0.0.1:9/{path}"), &[bare]);
            assert_eq!(kind(&config, here), refused, "{path}");
        }

        let disabled = Some(ErrorKind::LoginDisabled);
        for own in [
            "model_providers.mine.env_key=KEY",
            "model_providers.mine.env_key=UNSET",
            "model_providers.mine.experimental_bearer_token=made-up",
            "model_providers.mine.http_headers.Authorization=made-up",
            "model_providers.mine.env_http_headers.authorization=KEY",
            "model_providers.mine.http_headers.Host=other.example",
            "model_providers.mine.env_http_headers.host=KEY",
        ] {
            let config = with_base("http://127.0.0.1:9/v1", &[own]);
            assert_eq!(kind(&config, here), disabled, "{own}");
        }
        let user = with_base("http://made:up@127.0.0.1:9/v1", &[]);
        assert_eq!(kind(&user, here), disabled);
    }

    #[test]
    fn an_unencrypted_recipient_needs_to_be_allowed() {
        let origin = "http://litellm:4000";
        let plain = with_base("http://litellm:4000/v1", &[]);
        let refused = plain.bearer_origin(origin).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PlaintextRefused);
        assert!(refused.to_string().contains("plaintext_origins"));
        let environment = [
            ("CODEX_HOME", "/nonexistent"),
            ("BYOKEY_PLAINTEXT_ORIGINS", origin),
        ];
        let overrides = Overrides {
            settings: vec![
                "model_provider=mine".into(),
                "model_providers.mine.name=Mine".into(),
                "model_providers.mine.base_url=http://litellm:4000/v1".into(),
            ],
            ..Overrides::default()
        };
        let allowed = Config::load(&Environment::of(environment), &overrides);
        assert_eq!(allowed.bearer_origin(origin).as_deref(), Ok(origin));
    }
}
