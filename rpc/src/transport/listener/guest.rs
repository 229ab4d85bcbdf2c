//! One connection of a listener, from the first byte to the last.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

use super::House;
use crate::handler::MessageHandler;
use crate::transport::stream::{Ended, Shutdown, serve_codec};
use crate::transport::websocket::{WebSocketCodec, shake_hands};

/// Serves a WebSocket client.
pub(super) async fn serve_tcp<F, H>(
    stream: TcpStream,
    handshake: Option<OwnedSemaphorePermit>,
    house: &House<F>,
    shutdown: Shutdown,
) where
    F: Fn() -> H + Send + Sync + 'static,
    H: MessageHandler + 'static,
{
    serve_upgraded(stream, handshake, house, shutdown).await;
}

pub(super) async fn serve_upgraded<S, F, H>(
    stream: S,
    handshake: Option<OwnedSemaphorePermit>,
    house: &House<F>,
    mut shutdown: Shutdown,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn() -> H + Send + Sync + 'static,
    H: MessageHandler + 'static,
{
    let admitted = tokio::select! {
        admitted = shake_hands(stream, &house.admission) => admitted,
        _ = shutdown.wait_for(|shutdown| *shutdown) => None,
    };
    drop(handshake);
    let Some((stream, _place)) = admitted else {
        return;
    };
    let (reader, writer) = tokio::io::split(stream);
    let codec = WebSocketCodec::new(house.limits.max_message);
    let handler = (house.open)();
    told(serve_codec(reader, writer, codec, handler, house.limits, shutdown).await);
}

pub(super) fn told(ended: Ended) {
    if ended == Ended::PeerTooSlow {
        tracing::warn!("a connection was closed because it did not read what was sent to it");
    }
}
