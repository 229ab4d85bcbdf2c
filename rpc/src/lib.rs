//! A symmetric JSON-RPC peer, for both ends of a connection.
//!
//! From the bottom up: a *transport* moves bytes (standard input and output, a child process, the
//! sockets of a listener), a *codec* finds the messages in them, and [`serve`] hands each message,
//! borrowed from the input buffer, to a [`MessageHandler`]. [`Connection`] is that handler for
//! JSON-RPC: it routes requests and notifications to a [`Service`], and answers to the requests
//! that were sent with [`Peer::request`].
//!
//! This crate knows the envelope of `byokey-protocol`. It knows nothing of methods, credentials,
//! backends and configuration.

mod budget;
mod call;
mod codec;
mod connection;
mod ended;
mod error;
mod failure;
mod framing;
mod handler;
mod in_flight;
mod limits;
mod message;
mod observer;
mod outbox;
mod params;
mod peer;
mod pieces;
mod transport;

pub use budget::BufferBudget;
pub use call::Call;
pub use connection::{Connection, Service};
pub use ended::Ended;
pub use error::RequestError;
pub use failure::{AnswerError, ErrorCode, RequestFailure};
pub use framing::Framing;
pub use handler::{MessageHandler, Skipped};
pub use in_flight::InFlight;
pub use limits::Limits;
pub use observer::Observer;
pub use outbox::{HIGH_WATER, Outbox};
pub use peer::{Peer, PendingAnswer};
#[cfg(feature = "child")]
pub use transport::child::{Child, ChildStreams};
#[cfg(feature = "listen")]
pub use transport::listener::{
    BoundListener, ListenLimits, ListenUrl, ListenUrlError, Listener, SocketError, SocketPath,
    examine_socket,
};
#[cfg(all(unix, feature = "listen"))]
pub use transport::listener::{PrivateListener, PrivateSocket};
pub use transport::stdio::{ClaimedStdio, check_descriptors, claim_stdio};
pub use transport::stream::{Shutdown, serve};
#[cfg(feature = "listen")]
pub use transport::websocket;
