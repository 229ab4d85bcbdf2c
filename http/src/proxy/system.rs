//! The proxies of the system's settings, used where no variable names one.

use std::fmt;
use std::sync::{Arc, OnceLock};

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use super::Proxy;
use super::value;

/// The source of such a proxy in errors.
const NAMED_BY: &str = "the system's proxy settings";

/// The settings, read on first use.
#[derive(Default)]
pub(super) struct SystemProxies(OnceLock<Matcher>);

impl SystemProxies {
    /// Returns the proxy for a URL. The library also reads the environment, which names no proxy
    /// when this is called.
    pub(super) fn choose(&self, url: &Url) -> Option<Arc<Proxy>> {
        let matcher = self.0.get_or_init(Matcher::from_system);
        let found = matcher.intercept(&url.as_str().parse().ok()?)?;
        let (kind, url) = value::parse(&found.uri().to_string()).ok()?;
        Some(Arc::new(Proxy {
            named_by: NAMED_BY,
            kind,
            url,
        }))
    }
}

impl fmt::Debug for SystemProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemProxies").finish_non_exhaustive()
    }
}
