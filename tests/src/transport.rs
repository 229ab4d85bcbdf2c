//! The transports between host and program.

use crate::{Framing, Host, Listening, Server, Setup};

/// A transport, and the framing on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Standard input and output.
    Stdio(Framing),
    /// A Unix socket.
    Unix(Framing),
    /// A Unix socket, after an upgrade to WebSocket.
    UnixWebSocket,
    /// A WebSocket port.
    WebSocket,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Stdio(Framing::Lines),
        Self::Stdio(Framing::ContentLength),
        Self::Unix(Framing::Lines),
        Self::Unix(Framing::ContentLength),
        Self::UnixWebSocket,
        Self::WebSocket,
    ];

    /// Starts the program, and a host before its handshake.
    pub async fn start(self, setup: Setup) -> (Server, Host) {
        let place = match self {
            Self::Stdio(framing) => {
                let mut server = setup.start();
                let host = Host::framed(&mut server, framing);
                return (server, host);
            }
            Self::Unix(_) | Self::UnixWebSocket => "unix://",
            Self::WebSocket => "ws://127.0.0.1:0",
        };
        let listening = Listening::start(setup, place).await;
        let host = match self {
            Self::Unix(framing) => listening.unix_stranger_framing(framing),
            Self::UnixWebSocket => listening.unix_websocket_stranger().await,
            Self::Stdio(_) | Self::WebSocket => listening.over(listening.client().await),
        };
        (listening.server, host)
    }

    /// Returns the bytes of a message, for [`Host::send_raw`].
    #[must_use]
    pub fn frame(self, message: &str) -> Vec<u8> {
        match self {
            Self::Stdio(framing) | Self::Unix(framing) => framing.frame(message),
            Self::UnixWebSocket | Self::WebSocket => Framing::Lines.frame(message),
        }
    }
}

impl Default for Way {
    fn default() -> Self {
        Self::Stdio(Framing::Lines)
    }
}

impl From<Framing> for Way {
    fn from(framing: Framing) -> Self {
        Self::Stdio(framing)
    }
}
