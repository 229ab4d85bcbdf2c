//! Parses the value of a proxy variable.

use std::fmt;

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

/// The protocol of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// HTTP, unencrypted.
    Http,
    /// HTTP, encrypted.
    Https,
    /// SOCKS, version 4 or 5.
    Socks,
}

/// Why a value is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// Not Unicode.
    NotUnicode,
    /// Quotation marks.
    Quoted,
    /// White space or a control character.
    Blank,
    /// The URL of a proxy auto-configuration file, or a line of one.
    Pac,
    /// NTLM, Negotiate or Kerberos.
    Authentication,
    /// `socks://`, which does not state the version.
    SocksVersion,
    /// An unsupported scheme.
    Scheme,
    /// A port outside 1 to 65535.
    Port,
    /// No host, or an invalid one.
    Host,
    /// A path, query or fragment.
    Path,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotUnicode => "is not UTF-8",
            Self::Quoted => "has quotation marks in it; remove them",
            Self::Blank => "has white space in it or around it; remove it",
            Self::Pac => {
                "names a PAC file, which is not supported; name the proxy itself, as in \
                 http://proxy.example:3128"
            }
            Self::Authentication => {
                "asks for NTLM, Negotiate or Kerberos, which are not supported; name a local \
                 proxy that speaks them, or one that takes a user and password"
            }
            Self::SocksVersion => {
                "begins with socks://, which leaves the version of SOCKS open; write socks5h:// \
                 (the proxy resolves names), socks5://, socks4a:// or socks4://"
            }
            Self::Scheme => {
                "has a scheme that is not supported; http, https, socks4, socks4a, socks5 and \
                 socks5h are"
            }
            Self::Port => "has a port that is not a number from 1 to 65535",
            Self::Host => {
                "has no valid host; characters like `/`, `#` and `%` in a user or \
                 password have to be percent-encoded"
            }
            Self::Path => "has more than a host and a port in it; it must end after the port",
        })
    }
}

/// Parses a value. Without a scheme it is an HTTP proxy, as in codex and curl.
pub(super) fn parse(text: &str) -> Result<(Kind, Url), Problem> {
    if is_pac_line(text) {
        return Err(Problem::Pac);
    }
    if text.contains(['"', '\'', '`', '“', '”', '‘', '’']) {
        return Err(Problem::Quoted);
    }
    let unseen = |character: char| {
        character.is_whitespace() || character.is_control() || character == '\u{feff}'
    };
    if text.contains(unseen) {
        return Err(Problem::Blank);
    }
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    let kind = kind(&scheme.to_ascii_lowercase())?;
    if rest.is_empty() || rest.starts_with('/') {
        return Err(Problem::Host);
    }
    // With an HTTP scheme, so that hosts are parsed alike for all schemes.
    let mut url = Url::parse(&format!("http://{rest}")).map_err(|error| match error {
        url::ParseError::InvalidPort => Problem::Port,
        _ => Problem::Host,
    })?;
    let path = url.path();
    if path.ends_with(".pac") || path.ends_with(".dat") {
        return Err(Problem::Pac);
    }
    if path != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(Problem::Path);
    }
    let default = match kind {
        Kind::Http => 80,
        Kind::Https => 443,
        Kind::Socks => 1080,
    };
    // Parsing drops the port of `http://host:80`, so the text is examined.
    let port = url
        .port()
        .unwrap_or(match rest.trim_end_matches('/').ends_with(":80") {
            true => 80,
            false => default,
        });
    if port == 0 {
        return Err(Problem::Port);
    }
    let host = url.host_str().ok_or(Problem::Host)?;
    let mut user = url.username().to_owned();
    if let Some(password) = url.password() {
        user = format!("{user}:{password}");
    }
    if !user.is_empty() {
        user.push('@');
    }
    let scheme = scheme.to_ascii_lowercase();
    url = Url::parse(&format!("{scheme}://{user}{host}:{port}")).map_err(|_| Problem::Host)?;
    // reqwest parses it again, and connects directly where it cannot.
    if !is_understood(&url) {
        return Err(Problem::Host);
    }
    Ok((kind, url))
}

fn kind(scheme: &str) -> Result<Kind, Problem> {
    match scheme {
        "http" => Ok(Kind::Http),
        "https" => Ok(Kind::Https),
        "socks4" | "socks4a" | "socks5" | "socks5h" => Ok(Kind::Socks),
        "socks" => Err(Problem::SocksVersion),
        "ntlm" | "negotiate" | "kerberos" | "spnego" => Err(Problem::Authentication),
        other if other == "file" || other.starts_with("pac") || other.starts_with("wpad") => {
            Err(Problem::Pac)
        }
        _ => Err(Problem::Scheme),
    }
}

/// Returns whether it is a result of a PAC file, as in `PROXY host:8080; DIRECT`.
fn is_pac_line(text: &str) -> bool {
    let first = text.trim_start().split([' ', '\t', ';']).next();
    let first = first.unwrap_or_default().to_ascii_uppercase();
    let is_list = text.contains([' ', ';']);
    first == "DIRECT" || is_list && matches!(&*first, "PROXY" | "SOCKS" | "SOCKS5" | "HTTPS")
}

fn is_understood(url: &Url) -> bool {
    let matcher = Matcher::builder().all(url.as_str()).build();
    ["http://a.example", "https://a.example"]
        .into_iter()
        .all(|address| {
            let address = http::Uri::from_static(address);
            matcher.intercept(&address).is_some()
        })
}

#[cfg(test)]
mod tests {
    use super::{Kind, Problem, parse};

    #[test]
    fn values_that_can_be_used() {
        for (text, kind, url) in [
            (
                "http://proxy.example:3128",
                Kind::Http,
                "http://proxy.example:3128/",
            ),
            (
                "http://proxy.example:3128/",
                Kind::Http,
                "http://proxy.example:3128/",
            ),
            ("HTTP://Proxy.Example", Kind::Http, "http://proxy.example/"),
            (
                "proxy.example:3128",
                Kind::Http,
                "http://proxy.example:3128/",
            ),
            ("proxy.example", Kind::Http, "http://proxy.example/"),
            ("10.0.0.1:8080", Kind::Http, "http://10.0.0.1:8080/"),
            ("http://[::1]:8080", Kind::Http, "http://[::1]:8080/"),
            (
                "https://proxy.example",
                Kind::Https,
                "https://proxy.example/",
            ),
            (
                "https://proxy.example:80",
                Kind::Https,
                "https://proxy.example:80/",
            ),
            (
                "socks5h://127.0.0.1",
                Kind::Socks,
                "socks5h://127.0.0.1:1080",
            ),
            ("socks5://proxy:80", Kind::Socks, "socks5://proxy:80"),
            (
                "SOCKS5://127.0.0.1:9050",
                Kind::Socks,
                "socks5://127.0.0.1:9050",
            ),
            (
                "socks4://127.0.0.1:9050",
                Kind::Socks,
                "socks4://127.0.0.1:9050",
            ),
            (
                "socks4a://127.0.0.1:9050/",
                Kind::Socks,
                "socks4a://127.0.0.1:9050",
            ),
            (
                "http://user:pw@proxy:1",
                Kind::Http,
                "http://user:pw@proxy:1/",
            ),
            (
                "http://user:p%40ss@proxy:1",
                Kind::Http,
                "http://user:p%40ss@proxy:1/",
            ),
            (
                "http://user:p@ss@proxy:1",
                Kind::Http,
                "http://user:p%40ss@proxy:1/",
            ),
            (
                "http://DOM%5Cuser:pw@proxy:1",
                Kind::Http,
                "http://DOM%5Cuser:pw@proxy:1/",
            ),
            ("user:pw@proxy:1", Kind::Http, "http://user:pw@proxy:1/"),
        ] {
            let (got, parsed) = parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
            assert_eq!((got, parsed.as_str()), (kind, url), "{text}");
        }
    }

    #[test]
    fn values_that_stop_the_call() {
        for (text, problem) in [
            ("\"http://proxy:1\"", Problem::Quoted),
            ("'http://proxy:1'", Problem::Quoted),
            ("http://proxy:1\"", Problem::Quoted),
            ("“http://proxy:1”", Problem::Quoted),
            (" http://proxy:1", Problem::Blank),
            ("http://proxy:1 ", Problem::Blank),
            ("http://proxy:1\n", Problem::Blank),
            ("http://pro xy:1", Problem::Blank),
            ("\u{feff}http://proxy:1", Problem::Blank),
            ("\u{a0}http://proxy:1", Problem::Blank),
            ("socks://proxy:1", Problem::SocksVersion),
            ("SOCKS://proxy:1", Problem::SocksVersion),
            ("socks6://proxy:1", Problem::Scheme),
            ("ftp://proxy:1", Problem::Scheme),
            ("htp://proxy:1", Problem::Scheme),
            ("direct://", Problem::Scheme),
            ("://proxy:1", Problem::Scheme),
            ("ntlm://proxy:1", Problem::Authentication),
            ("negotiate://proxy:1", Problem::Authentication),
            ("pac+http://wpad/wpad.dat", Problem::Pac),
            ("http://wpad/wpad.dat", Problem::Pac),
            ("http://config.example/proxy.pac", Problem::Pac),
            ("http://config.example/proxy.pac?site=1", Problem::Pac),
            ("file:///etc/proxy.pac", Problem::Pac),
            ("PROXY proxy:8080; DIRECT", Problem::Pac),
            ("DIRECT", Problem::Pac),
            ("http://proxy:99999", Problem::Port),
            ("http://proxy:0", Problem::Port),
            ("http://proxy:port", Problem::Port),
            ("http://proxy:-1", Problem::Port),
            ("proxy:80:80", Problem::Port),
            ("http://[::1", Problem::Host),
            ("http://", Problem::Host),
            ("http:///", Problem::Host),
            ("http://:8080", Problem::Host),
            ("http://user:pw@", Problem::Host),
            ("http://pro<xy:1", Problem::Host),
            ("http://256.1.1.1:1", Problem::Host),
            ("http:proxy:1", Problem::Port),
            ("http://proxy:1/path", Problem::Path),
            ("http://proxy:1?x", Problem::Path),
            ("http://proxy:1#x", Problem::Path),
        ] {
            let parsed = parse(text);
            assert_eq!(parsed.unwrap_err(), problem, "{text}");
        }
    }
}
