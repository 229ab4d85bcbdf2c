//! The accepted `Host` names of a request: the protection against DNS rebinding.
//!
//! A web page can let its own name resolve to this machine; the browser then treats our responses
//! as that page's. Only names that no other site can own are accepted.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::HOST;
use http::uri::Authority;

/// The accepted `Host` names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hosts {
    listening: SocketAddr,
}

impl Hosts {
    pub(super) const fn new(listening: SocketAddr) -> Self {
        Self { listening }
    }

    /// Returns whether the request names this machine or the listening address. When listening on
    /// all addresses, any address is accepted, but no other name.
    pub(super) fn admit(self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(HOST).iter();
        let (Some(host), None) = (values.next(), values.next()) else {
            return false;
        };
        let authority = host.to_str().ok().and_then(|host| host.parse().ok());
        authority.is_some_and(|authority: Authority| self.names(&authority))
    }

    fn names(self, authority: &Authority) -> bool {
        let (host, port) = (authority.host(), self.listening.port());
        // `Authority` accepts more around a host than a port.
        match authority.as_str().strip_prefix(host) {
            Some("") if port == 80 => {}
            Some(rest) if rest == format!(":{port}") => {}
            _ => return false,
        }
        let address = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        match address.unwrap_or(host).parse::<IpAddr>() {
            Ok(address) => {
                let own = self.listening.ip();
                address == own
                    || address.is_loopback() && is_canonical(address)
                    || own.is_unspecified()
            }
            Err(_) => host.eq_ignore_ascii_case("localhost"),
        }
    }
}

/// Returns whether this is one of the two usual loopback addresses; others are not needed.
fn is_canonical(address: IpAddr) -> bool {
    use std::net::{Ipv4Addr, Ipv6Addr};
    address == Ipv4Addr::LOCALHOST || address == Ipv6Addr::LOCALHOST
}

#[cfg(test)]
mod tests {
    use super::{HOST, HeaderMap, Hosts};

    fn admits(listening: &str, hosts: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, host.parse().unwrap());
        }
        Hosts::new(listening.parse().unwrap()).admit(&headers)
    }

    #[test]
    fn only_names_that_no_other_site_can_own() {
        for good in [
            "127.0.0.1:4500",
            "localhost:4500",
            "LocalHost:4500",
            "[::1]:4500",
        ] {
            assert!(admits("127.0.0.1:4500", &[good]), "{good}");
            assert!(admits("[::1]:4500", &[good]), "{good}");
        }
        for bad in [
            "evil.example:4500",
            "evil.example",
            "localhost",
            "127.0.0.1",
            "[::1]",
            "127.0.0.1:4501",
            "localhost:0",
            "localhost.evil.example:4500",
            "127.0.0.1.evil.example:4500",
            "localhost.:4500",
            "127.1:4500",
            "2130706433:4500",
            "127.0.0.2:4500",
            "0.0.0.0:4500",
            "[::ffff:127.0.0.1]:4500",
            "evil@127.0.0.1:4500",
            "127.0.0.1:4500@evil.example",
            "[::1]127.0.0.1:4500",
            "[::1]evil.example:4500",
            "localhost:+4500",
            "127.0.0.1:4500/x",
            "127.0.0.1:",
            "127.0.0.1:99999",
            "",
        ] {
            assert!(!admits("127.0.0.1:4500", &[bad]), "{bad}");
        }
        assert!(!admits("127.0.0.1:4500", &[]));
        assert!(!admits(
            "127.0.0.1:4500",
            &["localhost:4500", "localhost:4500"]
        ));
    }

    #[test]
    fn the_address_we_listen_on_is_ours() {
        assert!(admits("192.0.2.7:4500", &["192.0.2.7:4500"]));
        assert!(admits("192.0.2.7:80", &["192.0.2.7"]));
        assert!(!admits("192.0.2.7:4500", &["192.0.2.8:4500"]));
        assert!(admits("0.0.0.0:4500", &["192.0.2.8:4500"]));
        assert!(!admits("0.0.0.0:4500", &["evil.example:4500"]));
    }
}
