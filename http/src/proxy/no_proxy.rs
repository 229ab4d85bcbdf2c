//! `NO_PROXY` by Go's rules (golang.org/x/net/http/httpproxy), with two extensions that users rely
//! on: a leading dot also matches the name itself, and blanks and semicolons separate entries as
//! well.

use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

/// The hosts that are reached without a proxy.
#[derive(Debug, Default)]
pub(super) struct NoProxy(Vec<Entry>);

#[derive(Debug)]
enum Entry {
    /// `*`
    All,
    /// `10.0.0.0/8`
    Network(IpNet),
    /// `10.0.0.1`, `[::1]:8080`
    Address(IpAddr, Option<u16>),
    /// `example.com`, `.example.com:443`, `*.example.com`
    Name {
        name: String,
        /// Whether the name itself matches, not only its subdomains.
        itself: bool,
        port: Option<u16>,
    },
}

impl NoProxy {
    pub(super) fn parse(text: &str) -> Self {
        let entries = text
            .split(|character: char| matches!(character, ',' | ';') || character.is_whitespace())
            .filter_map(Entry::parse);
        Self(entries.collect())
    }

    pub(super) fn contains(&self, url: &Url) -> bool {
        let port = url.port_or_known_default();
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(address.to_canonical()),
            _ => None,
        };
        let name = url.domain().map(without_dot);
        self.0.iter().any(|entry| match (entry, address, name) {
            (Entry::All, _, _) => true,
            (Entry::Network(network), Some(address), _) => network.contains(&address),
            (Entry::Address(listed, at), Some(address), _) => {
                *listed == address && (at.is_none() || *at == port)
            }
            (
                Entry::Name {
                    name: listed,
                    itself,
                    port: at,
                },
                None,
                Some(name),
            ) => {
                let under = name
                    .strip_suffix(listed.as_str())
                    .is_some_and(|rest| rest.ends_with('.'));
                (under || *itself && name == listed) && (at.is_none() || *at == port)
            }
            _ => false,
        })
    }
}

impl Entry {
    /// Returns `None` for an invalid entry, which is ignored as in Go.
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::All);
        }
        if let Ok(network) = text.parse() {
            return Some(Self::Network(network));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(Self::Address(address.to_canonical(), None));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !text.ends_with(']') => (host, Some(port.parse().ok()?)),
            _ => (text, None),
        };
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        if let Ok(address) = bare.unwrap_or(host).parse::<IpAddr>() {
            return Some(Self::Address(address.to_canonical(), port));
        }
        let (name, itself) = match (host.strip_prefix("*."), host.strip_prefix('.')) {
            (Some(name), _) => (name, false),
            (None, Some(name)) => (name, true),
            (None, None) => (host, true),
        };
        // Normalised like the host of a URL: lower case and Punycode.
        match Host::parse(without_dot(name)).ok()? {
            Host::Domain(name) => Some(Self::Name { name, itself, port }),
            _ => None,
        }
    }
}

fn without_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::NoProxy;

    #[test]
    fn entries_match_as_in_go() {
        for (list, address, expected) in [
            ("", "http://a.example", false),
            (",", "http://a.example", false),
            ("*", "http://a.example", true),
            ("*", "https://10.0.0.1", true),
            ("b.example, *", "http://a.example", true),
            ("a.example", "http://a.example", true),
            ("a.example", "https://a.example:8443/x", true),
            ("a.example", "http://A.EXAMPLE", true),
            ("A.Example", "http://a.example", true),
            ("a.example", "http://sub.a.example", true),
            ("a.example", "http://nota.example", false),
            ("a.example", "http://a.example.com", false),
            ("a.example", "http://a.example.", true),
            ("a.example.", "http://a.example", true),
            (".a.example", "http://sub.a.example", true),
            (".a.example", "http://a.example", true),
            (".a.example", "http://nota.example", false),
            ("*.a.example", "http://sub.a.example", true),
            ("*.a.example", "http://a.example", false),
            ("a*.example", "http://ab.example", false),
            ("example", "http://a.example", true),
            ("a.example:80", "http://a.example", true),
            ("a.example:80", "https://a.example", false),
            ("a.example:443", "https://a.example", true),
            ("a.example:8080", "http://a.example:8080", true),
            (".a.example:8080", "http://sub.a.example:8080", true),
            (".a.example:8080", "http://sub.a.example", false),
            ("a.example:x", "http://a.example", false),
            (":8080", "http://a.example:8080", false),
            ("bücher.example", "http://bücher.example", true),
            ("b.example,a.example", "http://a.example", true),
            (" b.example , a.example ", "http://a.example", true),
            ("b.example a.example", "http://a.example", true),
            ("b.example;a.example", "http://a.example", true),
            ("b.example\ta.example", "http://a.example", true),
            ("10.0.0.1", "http://10.0.0.1", true),
            ("10.0.0.1", "http://10.0.0.1:8080", true),
            ("10.0.0.1", "http://10.0.0.11", false),
            ("10.0.0.1:8080", "http://10.0.0.1:8080", true),
            ("10.0.0.1:8080", "http://10.0.0.1", false),
            ("10.0.0.0/8", "http://10.20.30.40", true),
            ("10.1.2.3/8", "http://10.20.30.40", true),
            ("10.0.0.0/8", "http://11.0.0.1", false),
            ("10.0.0.0/8", "http://10.0.0.1.example", false),
            ("10.0.0.0/99", "http://10.0.0.1", false),
            ("0.0.0.0/0", "http://10.0.0.1", true),
            ("0.0.0.0/0", "http://a.example", false),
            ("2001:db8::1", "http://[2001:db8::1]", true),
            ("[2001:db8::1]", "http://[2001:db8::1]", true),
            ("[2001:db8::1]:8080", "http://[2001:db8::1]:8080", true),
            ("[2001:db8::1]:8080", "http://[2001:db8::1]", false),
            ("2001:db8::/32", "http://[2001:db8:1::1]", true),
            ("2001:db8::/32", "http://[2001:db9::1]", false),
            ("10.0.0.1", "http://[::ffff:10.0.0.1]", true),
            ("::ffff:10.0.0.1", "http://10.0.0.1", true),
            ("10.0.0.0/8", "http://[::ffff:10.0.0.1]", true),
            ("1", "http://10.0.0.1", false),
            ("0.0.1", "http://10.0.0.1", false),
            ("192.168.*", "http://192.168.0.1", false),
            ("http://a.example", "http://a.example", false),
        ] {
            let url = Url::parse(address).unwrap();
            let got = NoProxy::parse(list).contains(&url);
            assert_eq!(got, expected, "NO_PROXY={list} {address}");
        }
    }
}
