//! Parses the value of `--listen`, with codex's texts for refused values.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenUrl {
    /// Standard input and output.
    Stdio,
    /// A Unix socket; the default path if none is named.
    Unix(Option<PathBuf>),
    /// A WebSocket server on a port.
    WebSocket(SocketAddr),
}

/// Why a URL cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenUrlError {
    /// The scheme is unknown.
    #[error(
        "unsupported --listen URL `{0}`; expected `stdio://`, `unix://`, `unix://PATH`, \
         `ws://IP:PORT`, or `off`"
    )]
    Unsupported(String),
    /// The address is not an IP address and port.
    #[error("invalid websocket --listen URL `{0}`; expected `ws://IP:PORT`")]
    WebSocket(String),
    /// `off` would leave nothing to serve.
    #[error("no transport configured; use --listen")]
    Off,
}

impl std::str::FromStr for ListenUrl {
    type Err = ListenUrlError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        if url == "stdio://" {
            return Ok(Self::Stdio);
        }
        if url == "off" {
            return Err(ListenUrlError::Off);
        }
        if let Some(path) = url.strip_prefix("unix://") {
            return Ok(Self::Unix((!path.is_empty()).then(|| path.into())));
        }
        match url.strip_prefix("ws://") {
            Some(address) => match address.parse() {
                Ok(address) => Ok(Self::WebSocket(address)),
                Err(_) => Err(ListenUrlError::WebSocket(url.to_owned())),
            },
            None => Err(ListenUrlError::Unsupported(url.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ListenUrl;

    #[test]
    fn urls_are_read_as_codex_reads_them() {
        let read = |url: &str| url.parse::<ListenUrl>().map_err(|error| error.to_string());
        assert_eq!(read("stdio://"), Ok(ListenUrl::Stdio));
        assert_eq!(read("unix://"), Ok(ListenUrl::Unix(None)));
        assert_eq!(
            read("unix:///run/a b"),
            Ok(ListenUrl::Unix(Some("/run/a b".into())))
        );
        for (url, address) in [
            ("ws://127.0.0.1:0", "127.0.0.1:0"),
            ("ws://[::1]:9", "[::1]:9"),
        ] {
            assert_eq!(
                read(url),
                Ok(ListenUrl::WebSocket(address.parse().unwrap()))
            );
        }
        for url in [
            "ws://localhost:1",
            "ws://127.0.0.1",
            "ws://",
            "ws://127.0.0.1:1/path",
        ] {
            let text = format!("invalid websocket --listen URL `{url}`; expected `ws://IP:PORT`");
            assert_eq!(read(url), Err(text));
        }
        for url in ["http://127.0.0.1:1", "stdio", "", "wss://127.0.0.1:1"] {
            let text = format!(
                "unsupported --listen URL `{url}`; expected `stdio://`, `unix://`, `unix://PATH`, \
                 `ws://IP:PORT`, or `off`"
            );
            assert_eq!(read(url), Err(text));
        }
        let off = read("off").unwrap_err();
        assert_eq!(off, "no transport configured; use --listen");
    }
}
