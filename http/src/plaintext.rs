//! The one rule for where a secret may be sent: over an encrypted connection, or within this
//! machine.

use std::fmt;

use http::HeaderMap;
use url::{Origin, Url};

use crate::loopback::is_loopback;
use crate::proxy::Proxy;

/// The sensitivity of a request, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sensitivity {
    /// It carries no secret.
    Public,
    /// It carries a key of the provider, or a bearer that its host bound to one origin.
    OwnKey,
    /// It carries a token or key of the login, or is a call to the issuer.
    Login,
}

/// A secret was not sent, because the connection would not be encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaintextRefusal {
    /// A secret of the login, for which there is no exception.
    Login {
        /// The refused origin.
        origin: String,
    },
    /// The provider's own key, to an origin that the user has not allowed.
    OwnKey {
        /// The refused origin.
        origin: String,
    },
    /// The provider's own key, to an origin that the user has allowed, but through a proxy.
    ThroughProxy {
        /// The refused origin.
        origin: String,
        /// The source of the proxy's setting.
        proxy: &'static str,
    },
}

impl fmt::Display for PlaintextRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Login { origin } => write!(
                f,
                "{origin} is not https:// and not on this machine, so the login's secret was not \
                 sent; use https://, or forward a local port to it"
            ),
            Self::OwnKey { origin } => write!(
                f,
                "{origin} is not https:// and not on this machine, so the provider's key or \
                 bearer token was not sent; use https://, or, where the network is trusted, add \
                 `plaintext_origins = [\"{origin}\"]` under `[byokey]` in \
                 $BYOKEY_HOME/config.toml, or set BYOKEY_PLAINTEXT_ORIGINS={origin}"
            ),
            Self::ThroughProxy { origin, proxy } => write!(
                f,
                "{origin} is not https://, and {proxy} leads the call through a proxy that would \
                 see the provider's key, so it was not sent; add the host to NO_PROXY"
            ),
        }
    }
}

/// Returns whether secrets of a login may be sent to a URL: it is encrypted or on this machine, and
/// consists of an origin and a path only.
#[must_use]
pub fn may_carry_login(url: &Url) -> bool {
    let plain = url.query().is_none() && url.fragment().is_none();
    plain && !has_user(url) && url.has_host() && is_private(url)
}

/// Refuses an address to which a provider's own key, or a bearer that its host bound to one origin,
/// would go unencrypted. The proxy of a request is considered when it is sent.
///
/// # Errors
///
/// [`PlaintextRefusal::OwnKey`].
pub fn check_own_key(url: &Url, allowed: &[Origin]) -> Result<(), PlaintextRefusal> {
    check(url, Sensitivity::OwnKey, None, allowed)
}

/// Returns the sensitivity of a request. A user and password in its URL or a header marked as
/// sensitive raise the declared one.
pub(crate) fn sensitivity(declared: Sensitivity, url: &Url, headers: &HeaderMap) -> Sensitivity {
    if has_user(url) || headers.values().any(http::HeaderValue::is_sensitive) {
        declared.max(Sensitivity::OwnKey)
    } else {
        declared
    }
}

/// Refuses a request that would send a secret unencrypted.
pub(crate) fn check(
    url: &Url,
    sensitivity: Sensitivity,
    proxy: Option<&Proxy>,
    allowed: &[Origin],
) -> Result<(), PlaintextRefusal> {
    if sensitivity == Sensitivity::Public || (is_private(url) && proxy.is_none()) {
        return Ok(());
    }
    if url.scheme() == "https" {
        // The proxy only sees the tunnel.
        return Ok(());
    }
    let origin = url.origin();
    let text = origin.ascii_serialization();
    if sensitivity == Sensitivity::Login {
        return Err(PlaintextRefusal::Login { origin: text });
    }
    if !allowed.contains(&origin) {
        return Err(PlaintextRefusal::OwnKey { origin: text });
    }
    match proxy {
        Some(proxy) => Err(PlaintextRefusal::ThroughProxy {
            origin: text,
            proxy: proxy.named_by(),
        }),
        None => Ok(()),
    }
}

/// Returns whether it is encrypted or stays on this machine.
fn is_private(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => is_loopback(url),
        _ => false,
    }
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};
    use url::Url;

    use super::Sensitivity::{Login, OwnKey, Public};
    use super::{PlaintextRefusal, check, may_carry_login, sensitivity};
    use crate::proxy::Proxies;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_secret_goes_encrypted_or_stays_on_this_machine() {
        let allowed = [url("http://litellm:4000").origin()];
        let refused = |address, secret| check(&url(address), secret, None, &allowed).is_err();
        for (address, public, own_key, login) in [
            ("https://api.example/v1", false, false, false),
            ("http://127.0.0.1:9/v1", false, false, false),
            ("http://[::1]:9/v1", false, false, false),
            ("http://localhost:9/v1", false, false, false),
            ("http://relay.example/v1", false, true, true),
            ("http://127.0.0.1.example/v1", false, true, true),
            ("http://192.168.0.1:9/v1", false, true, true),
            ("http://litellm:4000/v1", false, false, true),
            ("http://LITELLM:4000/other?a=b", false, false, true),
            ("http://litellm/v1", false, true, true),
            ("http://litellm:4001/v1", false, true, true),
            ("http://sub.litellm:4000/v1", false, true, true),
            ("http://litellm.:4000/v1", false, true, true),
        ] {
            assert_eq!(refused(address, Public), public, "public to {address}");
            assert_eq!(refused(address, OwnKey), own_key, "own key to {address}");
            assert_eq!(refused(address, Login), login, "login to {address}");
        }
    }

    #[test]
    fn a_proxy_never_sees_a_secret_in_clear() {
        let proxies = Proxies::read(|name| {
            matches!(name, "ALL_PROXY").then(|| "http://proxy.example:3128".into())
        });
        let through = |address, secret| {
            let proxy = proxies.choose(&url(address)).unwrap();
            let allowed = [url("http://litellm:4000").origin()];
            check(&url(address), secret, proxy.as_deref(), &allowed)
        };
        let refused = through("http://litellm:4000/v1", OwnKey).unwrap_err();
        assert!(matches!(refused, PlaintextRefusal::ThroughProxy { .. }));
        assert!(refused.to_string().contains("ALL_PROXY"), "{refused}");
        assert_eq!(through("https://api.example/v1", Login), Ok(()));
        assert_eq!(through("http://litellm:4000/v1", Public), Ok(()));
    }

    #[test]
    fn the_refusal_prints_the_line_to_add() {
        let refusal = check(&url("http://litellm:4000/v1"), OwnKey, None, &[]).unwrap_err();
        let text = refusal.to_string();
        let line = "`plaintext_origins = [\"http://litellm:4000\"]` under `[byokey]`";
        assert!(text.contains(line), "{text}");
        let refusal = check(&url("http://litellm:4000/v1"), Login, None, &[]).unwrap_err();
        assert!(!refusal.to_string().contains("plaintext_origins"));
    }

    #[test]
    fn what_a_request_carries_raises_its_sensitivity() {
        let mut headers = HeaderMap::new();
        let of = |headers: &HeaderMap, text| sensitivity(Public, &url(text), headers);
        assert_eq!(of(&headers, "http://relay.example"), Public);
        assert_eq!(of(&headers, "http://user:key@relay.example"), OwnKey);
        let mut key = HeaderValue::from_static("made-up");
        headers.insert("x-other", key.clone());
        assert_eq!(of(&headers, "http://relay.example"), Public);
        key.set_sensitive(true);
        headers.insert("x-api-key", key);
        assert_eq!(of(&headers, "http://relay.example"), OwnKey);
        let login = sensitivity(Login, &url("http://relay.example"), &headers);
        assert_eq!(login, Login);
    }

    #[test]
    fn an_address_for_logins_holds_nothing_but_an_origin_and_a_path() {
        assert!(may_carry_login(&url("https://issuer.example/x")));
        assert!(may_carry_login(&url("http://127.0.0.1:9/x")));
        for bad in [
            "http://issuer.example",
            "https://user@issuer.example",
            "https://issuer.example/?a=b",
            "https://issuer.example/#a",
            "ftp://127.0.0.1",
            "file:///tmp",
        ] {
            assert!(!may_carry_login(&url(bad)), "{bad}");
        }
    }
}
