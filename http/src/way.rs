//! The route of a request: encrypted or not, and through which proxy.

use url::Url;

use crate::proxy::{Kind, Proxy};

/// The route that a client of the library is configured for. It cannot take another one, so the
/// decision for a request is binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) encrypted: bool,
    pub(crate) proxy: Option<Url>,
    /// Whether a proxy reads the request and sends it on, rather than open a tunnel.
    is_forwarded: bool,
}

impl Way {
    pub(crate) fn of(url: &Url, proxy: Option<&Proxy>) -> Self {
        let through_tls = proxy.is_some_and(|proxy| proxy.kind() == Kind::Https);
        Self {
            encrypted: url.scheme() == "https" || through_tls,
            proxy: proxy.map(|proxy| proxy.url().clone()),
            is_forwarded: url.scheme() == "http"
                && proxy.is_some_and(|proxy| proxy.kind() != Kind::Socks),
        }
    }

    /// Returns whether a proxy reads the request and sends it on.
    pub(crate) const fn is_forwarded(&self) -> bool {
        self.is_forwarded
    }
}
