//! Loopback addresses, and the resolver that guarantees them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Returns whether a URL is on this machine: `127.0.0.0/8`, `::1`, the same mapped into IPv6, and
/// `localhost` with the names under it (RFC 6761, section 6.3).
///
/// Names are compared, never resolved: a name server's answer may change between two lookups.
/// `LocalResolver` guarantees that these names resolve to loopback addresses.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => is_localhost(name),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost"
        || name
            .strip_suffix(".localhost")
            .is_some_and(|labels| !labels.is_empty())
}

/// Resolves `localhost` and the names under it to the loopback addresses without the system, and
/// every other name with the system's resolver.
#[derive(Debug)]
pub(crate) struct LocalResolver;

impl Resolve for LocalResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        Box::pin(async move {
            let found: Vec<SocketAddr> = if is_localhost(&name) {
                let both: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
                both.map(|address| SocketAddr::new(address, 0)).into()
            } else {
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect()
            };
            let found: Addrs = Box::new(found.into_iter());
            Ok(found)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn this_machine_is_addresses_of_the_loopback_network_and_names_under_localhost() {
        let loopback = |host: &str| is_loopback(&format!("http://{host}/").parse().unwrap());
        for here in [
            "127.0.0.1",
            "127.0.0.1:9",
            "127.255.255.254",
            "127.1",
            "0x7f.0.0.1",
            "2130706433",
            "[::1]:9",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "localhost",
            "LOCALHOST:9",
            "localhost.",
            "api.localhost",
            "user@localhost",
        ] {
            assert!(loopback(here), "{here}");
        }
        for elsewhere in [
            "127.0.0.1.example",
            "127.0.0.1.nip.io",
            "localhost.example",
            "notlocalhost",
            "local.host",
            ".localhost",
            "localhost@issuer.example",
            "127.0.0.1@issuer.example",
            "0.0.0.0",
            "[::]",
            "[::127.0.0.1]",
            "[fe80::1]",
            "128.0.0.1",
            "192.168.0.1",
            "[::ffff:128.0.0.1]",
            "host.docker.internal",
        ] {
            assert!(!loopback(elsewhere), "{elsewhere}");
        }
    }
}
