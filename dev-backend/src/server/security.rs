//! Whether connections are encrypted.

#[cfg(feature = "tls")]
use tokio_rustls::TlsAcceptor;

/// Whether connections are encrypted.
#[derive(Clone)]
pub(crate) enum Security {
    Plain,
    #[cfg(feature = "tls")]
    Tls(TlsAcceptor),
}

impl Security {
    pub(crate) const fn scheme(&self) -> &'static str {
        match self {
            Self::Plain => "http",
            #[cfg(feature = "tls")]
            Self::Tls(_) => "https",
        }
    }
}
