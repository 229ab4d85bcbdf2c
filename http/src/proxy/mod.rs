//! Selects the proxy of a request.
//!
//! The environment decides, with the names and the precedence of codex; `NO_PROXY` follows Go's
//! rules. An invalid value stops the requests that it applies to: a user with a proxy does not
//! expect a direct connection.

mod no_proxy;
#[cfg(any(windows, target_vendor = "apple"))]
mod system;
mod value;

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use url::Url;

use crate::loopback::is_loopback;
use no_proxy::NoProxy;
pub(crate) use value::Kind;
use value::Problem;

/// The proxies from the environment.
#[derive(Debug, Default)]
pub struct Proxies {
    http: Setting,
    https: Setting,
    except: NoProxy,
    #[cfg(any(windows, target_vendor = "apple"))]
    system: system::SystemProxies,
}

#[derive(Debug, Default)]
enum Setting {
    #[default]
    Unset,
    Proxy(Arc<Proxy>),
    Unusable {
        variable: &'static str,
        problem: Problem,
    },
}

/// A valid proxy.
pub struct Proxy {
    named_by: &'static str,
    kind: Kind,
    url: Url,
}

/// Why no proxy could be selected. The value is never shown: it may contain a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProxyFailure {
    variable: &'static str,
    why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Unusable(Problem),
    SocksToThisMachine,
}

impl Proxies {
    /// Reads the environment variables. Blank counts as unset.
    pub fn read(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                let value = variable(name)?;
                let blank = value.to_str().is_some_and(|text| text.trim().is_empty());
                (!blank).then_some((*name, value))
            })
        };
        let setting = |names: &[&'static str]| match first(names) {
            None => Setting::Unset,
            Some((variable, value)) => Setting::read(variable, &value),
        };
        // A web server passes the header `Proxy:` of a request to CGI programs as HTTP_PROXY
        // (httpoxy).
        let http: &[_] = match variable("REQUEST_METHOD") {
            None => &["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
            Some(_) if cfg!(windows) => &["ALL_PROXY", "all_proxy"],
            Some(_) => &["http_proxy", "ALL_PROXY", "all_proxy"],
        };
        let except = first(&["NO_PROXY", "no_proxy"]).map(|(_, value)| value);
        Self {
            http: setting(http),
            https: setting(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]),
            except: except.map_or_else(NoProxy::default, |value| {
                NoProxy::parse(&value.to_string_lossy())
            }),
            #[cfg(any(windows, target_vendor = "apple"))]
            system: system::SystemProxies::default(),
        }
    }

    /// Returns the proxy for a URL; `None` is a direct connection.
    ///
    /// # Errors
    ///
    /// When its setting is invalid. Nothing may be sent then.
    pub fn choose(&self, url: &Url) -> Result<Option<Arc<Proxy>>, ProxyFailure> {
        let setting = match url.scheme() {
            "https" => &self.https,
            _ => &self.http,
        };
        if self.except.contains(url) {
            return Ok(None);
        }
        match setting {
            Setting::Unset => Ok(self.of_system(url)),
            Setting::Unusable { variable, problem } => Err(ProxyFailure {
                variable,
                why: Why::Unusable(*problem),
            }),
            Setting::Proxy(proxy) if !is_loopback(url) => Ok(Some(Arc::clone(proxy))),
            // Behind a SOCKS proxy, loopback addresses are those of the proxy's machine, as in
            // codex. A direct connection would reach another server than intended.
            Setting::Proxy(proxy) if proxy.kind == Kind::Socks => Err(ProxyFailure {
                variable: proxy.named_by,
                why: Why::SocksToThisMachine,
            }),
            Setting::Proxy(_) => Ok(None),
        }
    }

    #[cfg(any(windows, target_vendor = "apple"))]
    fn of_system(&self, url: &Url) -> Option<Arc<Proxy>> {
        (!is_loopback(url)).then(|| self.system.choose(url))?
    }

    #[cfg(not(any(windows, target_vendor = "apple")))]
    #[expect(
        clippy::unused_self,
        reason = "the other systems have settings of their own"
    )]
    const fn of_system(&self, _: &Url) -> Option<Arc<Proxy>> {
        None
    }
}

impl Setting {
    fn read(variable: &'static str, value: &OsString) -> Self {
        let parsed = value.to_str().ok_or(Problem::NotUnicode);
        match parsed.and_then(value::parse) {
            Ok((kind, url)) => Self::Proxy(Arc::new(Proxy {
                named_by: variable,
                kind,
                url,
            })),
            Err(problem) => Self::Unusable { variable, problem },
        }
    }
}

impl Proxy {
    /// Returns the source of its setting: an environment variable, or the system's settings.
    #[must_use]
    pub const fn named_by(&self) -> &'static str {
        self.named_by
    }

    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) const fn url(&self) -> &Url {
        &self.url
    }

    pub(crate) fn has_password(&self) -> bool {
        !self.url.username().is_empty() || self.url.password().is_some()
    }
}

impl ProxyFailure {
    /// Returns the variable with the unusable setting.
    #[must_use]
    pub const fn named_by(&self) -> &'static str {
        self.variable
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may contain a password.
        f.debug_struct("Proxy")
            .field("named_by", &self.named_by)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for ProxyFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variable = self.variable;
        match self.why {
            Why::Unusable(problem) => write!(
                f,
                "{variable} {problem}; nothing was sent, because an unusable proxy is not bypassed"
            ),
            Why::SocksToThisMachine => write!(
                f,
                "{variable} names a SOCKS proxy, for which an address of this machine would be \
                 one of its own, so nothing was sent; add the host to NO_PROXY to reach it \
                 directly"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use url::Url;

    use super::Proxies;

    /// Returns how a URL is reached under these variables: `direct`, the proxy's variable, or
    /// `stopped`.
    fn way(variables: &[(&str, &str)], address: &str) -> String {
        let proxies = Proxies::read(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| OsString::from(value))
        });
        match proxies.choose(&Url::parse(address).unwrap()) {
            Ok(None) => "direct".into(),
            Ok(Some(proxy)) => proxy.named_by().into(),
            Err(_) => "stopped".into(),
        }
    }

    #[test]
    fn variables_decide_by_scheme_and_spelling() {
        const GOOD: &str = "http://proxy.example:3128";
        const BAD: &str = "nonsense://proxy.example";
        let (http, https) = ("http://a.example", "https://a.example");
        for (variables, address, expected) in [
            (&[][..], http, "direct"),
            (&[("HTTP_PROXY", GOOD)], http, "HTTP_PROXY"),
            (&[("HTTP_PROXY", GOOD)], https, "direct"),
            (&[("http_proxy", GOOD)], http, "http_proxy"),
            (&[("HTTPS_PROXY", GOOD)], https, "HTTPS_PROXY"),
            (&[("HTTPS_PROXY", GOOD)], http, "direct"),
            (&[("https_proxy", GOOD)], https, "https_proxy"),
            (&[("ALL_PROXY", GOOD)], http, "ALL_PROXY"),
            (&[("ALL_PROXY", GOOD)], https, "ALL_PROXY"),
            (&[("all_proxy", GOOD)], https, "all_proxy"),
            (
                &[("ALL_PROXY", BAD), ("HTTPS_PROXY", GOOD)],
                https,
                "HTTPS_PROXY",
            ),
            (
                &[("HTTPS_PROXY", BAD), ("https_proxy", GOOD)],
                https,
                "stopped",
            ),
            (
                &[("HTTPS_PROXY", GOOD), ("https_proxy", BAD)],
                https,
                "HTTPS_PROXY",
            ),
            (
                &[("HTTPS_PROXY", " "), ("https_proxy", GOOD)],
                https,
                "https_proxy",
            ),
            (
                &[("HTTPS_PROXY", ""), ("ALL_PROXY", GOOD)],
                https,
                "ALL_PROXY",
            ),
            // An invalid value stops only what it applies to.
            (&[("HTTP_PROXY", BAD)], https, "direct"),
            (&[("HTTP_PROXY", BAD)], http, "stopped"),
            (&[("ALL_PROXY", BAD)], http, "stopped"),
            (
                &[("HTTPS_PROXY", BAD), ("ALL_PROXY", GOOD)],
                https,
                "stopped",
            ),
            (&[("HTTP_PROXY", BAD)], "http://127.0.0.1:9", "stopped"),
            (
                &[("HTTP_PROXY", BAD), ("NO_PROXY", "a.example")],
                http,
                "direct",
            ),
            (
                &[("HTTP_PROXY", BAD), ("NO_PROXY", "*")],
                "http://127.0.0.1:9",
                "direct",
            ),
            // CGI: HTTP_PROXY is a header of the request.
            (
                &[("REQUEST_METHOD", "GET"), ("HTTP_PROXY", GOOD)],
                http,
                "direct",
            ),
            (
                &[("REQUEST_METHOD", "GET"), ("HTTP_PROXY", BAD)],
                http,
                "direct",
            ),
            (
                &[("REQUEST_METHOD", ""), ("HTTP_PROXY", GOOD)],
                http,
                "direct",
            ),
            (
                &[("REQUEST_METHOD", "GET"), ("ALL_PROXY", GOOD)],
                http,
                "ALL_PROXY",
            ),
            (
                &[("REQUEST_METHOD", "GET"), ("HTTPS_PROXY", GOOD)],
                https,
                "HTTPS_PROXY",
            ),
            // This machine.
            (&[("HTTP_PROXY", GOOD)], "http://127.0.0.1:9", "direct"),
            (&[("http_proxy", GOOD)], "http://localhost:9", "direct"),
            (&[("HTTPS_PROXY", GOOD)], "https://[::1]:9", "direct"),
            (&[("https_proxy", GOOD)], "https://127.1.2.3", "direct"),
            (
                &[("ALL_PROXY", GOOD)],
                "http://[::ffff:127.0.0.1]",
                "direct",
            ),
            (&[("all_proxy", GOOD)], "https://api.localhost", "direct"),
            (
                &[("all_proxy", GOOD)],
                "http://127.0.0.1.example",
                "all_proxy",
            ),
            (
                &[("ALL_PROXY", "socks5h://p.example")],
                "http://127.0.0.1:9",
                "stopped",
            ),
            (&[("ALL_PROXY", "socks5h://p.example")], https, "ALL_PROXY"),
            (
                &[
                    ("ALL_PROXY", "socks5h://p.example"),
                    ("no_proxy", "127.0.0.1"),
                ],
                "http://127.0.0.1:9",
                "direct",
            ),
            // NO_PROXY: upper case wins, as for the others.
            (
                &[("ALL_PROXY", GOOD), ("no_proxy", "a.example")],
                http,
                "direct",
            ),
            (
                &[
                    ("ALL_PROXY", GOOD),
                    ("NO_PROXY", "b.example"),
                    ("no_proxy", "a.example"),
                ],
                http,
                "ALL_PROXY",
            ),
        ] {
            #[cfg(windows)]
            if variables
                .iter()
                .any(|(name, _)| name.chars().any(char::is_lowercase))
            {
                continue;
            }
            assert_eq!(way(variables, address), expected, "{variables:?} {address}");
        }
    }

    #[test]
    fn no_text_shows_the_value() {
        let value = "http://user:CANARY@[::1";
        let proxies = Proxies::read(|name| (name == "HTTP_PROXY").then(|| value.into()));
        let failure = proxies.choose(&Url::parse("http://a.example").unwrap());
        let text = failure.unwrap_err().to_string();
        assert!(text.starts_with("HTTP_PROXY "), "{text}");
        assert!(!text.contains("CANARY") && !format!("{proxies:?}").contains("CANARY"));
        let good = Proxies::read(|name| (name == "HTTP_PROXY").then(|| "http://u:CANARY@p".into()));
        assert!(!format!("{good:?}").contains("CANARY"));
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_unicode_stops_the_call() {
        use std::os::unix::ffi::OsStringExt as _;
        let value = OsString::from_vec(b"http://proxy\xff".to_vec());
        let proxies = Proxies::read(|name| (name == "ALL_PROXY").then(|| value.clone()));
        let failure = proxies.choose(&Url::parse("https://a.example").unwrap());
        assert!(failure.unwrap_err().to_string().contains("not UTF-8"));
    }
}
