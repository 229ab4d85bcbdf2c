//! One connection of a listener, from the first byte to the last.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

use super::House;
use crate::transport::stream::{Ended, Shutdown, serve_wire};
use crate::transport::websocket::{WebSocketWire, shake_hands};

/// Serves a WebSocket client.
pub(super) async fn serve_tcp(
    stream: TcpStream,
    handshake: Option<OwnedSemaphorePermit>,
    house: &House,
    shutdown: Shutdown,
) {
    serve_upgraded(stream, handshake, house, shutdown).await;
}

pub(super) async fn serve_upgraded<S>(
    stream: S,
    handshake: Option<OwnedSemaphorePermit>,
    house: &House,
    mut shutdown: Shutdown,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
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
    let wire = WebSocketWire::new(house.limits.max_message);
    let services = Arc::clone(&house.services);
    told(serve_wire(reader, writer, wire, services, house.limits, shutdown).await);
}

pub(super) fn told(ended: Ended) {
    if ended == Ended::PeerTooSlow {
        tracing::warn!("a connection was closed because it did not read what was sent to it");
    }
}
