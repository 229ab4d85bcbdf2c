//! The route of a request: encrypted or not, and through which proxy.

use url::Url;

use crate::proxy::{Kind, Proxy};

/// The route that a client of the library is configured for. It cannot take another one, so the
/// decision for a request is binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) encrypted: bool,
    pub(crate) proxy: Option<Url>,
}

impl Way {
    pub(crate) fn of(url: &Url, proxy: Option<&Proxy>) -> Self {
        let through_tls = proxy.is_some_and(|proxy| proxy.kind() == Kind::Https);
        Self {
            encrypted: url.scheme() == "https" || through_tls,
            proxy: proxy.map(|proxy| proxy.url().clone()),
        }
    }
}
