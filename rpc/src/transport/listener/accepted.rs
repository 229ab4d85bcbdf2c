//! One connection of a listener, from the first byte to the last.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

use super::ListenerContext;
use crate::handler::MessageHandler;
use crate::transport::stream::{Ended, Shutdown, serve_codec};
use crate::transport::websocket::{WebSocketCodec, accept_upgrade};

/// Serves a WebSocket client on a port.
pub(super) async fn serve_tcp<F, H>(
    stream: TcpStream,
    handshake: Option<OwnedSemaphorePermit>,
    context: &ListenerContext<F>,
    shutdown: Shutdown,
) where
    F: Fn() -> H + Send + Sync + 'static,
    H: MessageHandler + 'static,
{
    serve_upgraded(stream, handshake, context, shutdown).await;
}

pub(super) async fn serve_upgraded<S, F, H>(
    stream: S,
    handshake: Option<OwnedSemaphorePermit>,
    context: &ListenerContext<F>,
    mut shutdown: Shutdown,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn() -> H + Send + Sync + 'static,
    H: MessageHandler + 'static,
{
    let admitted = tokio::select! {
        admitted = accept_upgrade(stream, &context.admission) => admitted,
        _ = shutdown.wait_for(|shutdown| *shutdown) => None,
    };
    drop(handshake);
    let Some((stream, _permit)) = admitted else {
        return;
    };
    let (reader, writer) = tokio::io::split(stream);
    let codec = WebSocketCodec::new(context.limits.max_message);
    let handler = (context.open)();
    log_end(serve_codec(reader, writer, codec, handler, context.limits, shutdown).await);
}

pub(super) fn log_end(ended: Ended) {
    if ended == Ended::PeerTooSlow {
        tracing::warn!("a connection was closed because it did not read what was sent to it");
    }
}
