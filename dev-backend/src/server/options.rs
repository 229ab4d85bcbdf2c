//! Options of a backend.

use std::fmt;
#[cfg(feature = "tls")]
use std::sync::Arc;

#[cfg(feature = "tls")]
use tokio_rustls::rustls::ServerConfig;

use crate::request::observe::Exchange;
use crate::script::document::Script;
use crate::server::security::Security;

/// Called for every exchange.
pub(crate) type Observer = Box<dyn Fn(&Exchange) + Send + Sync>;

/// How to start a [`DevBackend`](crate::DevBackend).
pub struct Options {
    pub(crate) port: u16,
    pub(crate) script: Script,
    pub(crate) keep_requests: usize,
    pub(crate) observer: Option<Observer>,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Arc<ServerConfig>>,
}

impl Options {
    /// Returns the defaults: any free port, no script, all requests recorded, no observer, no TLS.
    pub fn new() -> Self {
        Self::default()
    }

    /// Listens on this port of 127.0.0.1; 0 takes any free one.
    pub fn port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// Sets the script.
    pub fn script(self, script: Script) -> Self {
        Self { script, ..self }
    }

    /// Records only the first `count` requests for
    /// [`DevBackend::requests`](crate::DevBackend::requests).
    ///
    /// A backend that runs for days needs 0 here: recorded requests stay in memory with their
    /// bearers and bodies.
    pub fn keep_requests(self, count: usize) -> Self {
        Self {
            keep_requests: count,
            ..self
        }
    }

    /// Calls `observer` for every request when its response is decided.
    ///
    /// It runs on the backend's only thread, so it should return soon.
    pub fn on_request(self, observer: impl Fn(&Exchange) + Send + Sync + 'static) -> Self {
        Self {
            observer: Some(Box::new(observer)),
            ..self
        }
    }

    /// Serves TLS. Offers HTTP/1.1, and with the feature `http2` that first, unless the
    /// configuration has its own ALPN protocols.
    #[cfg(feature = "tls")]
    pub fn tls(self, mut config: ServerConfig) -> Self {
        if config.alpn_protocols.is_empty() {
            if cfg!(feature = "http2") {
                config.alpn_protocols.push(b"h2".to_vec());
            }
            config.alpn_protocols.push(b"http/1.1".to_vec());
        }
        Self {
            tls: Some(Arc::new(config)),
            ..self
        }
    }

    /// Returns whether and how connections are encrypted.
    pub(crate) fn security(&self) -> Security {
        #[cfg(feature = "tls")]
        if let Some(config) = &self.tls {
            return Security::Tls(Arc::clone(config).into());
        }
        Security::Plain
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            script: Script::default(),
            keep_requests: usize::MAX,
            observer: None,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("port", &self.port)
            .field("script", &self.script)
            .field("keep_requests", &self.keep_requests)
            .finish_non_exhaustive()
    }
}
