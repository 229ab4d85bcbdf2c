//! One connection of a listener, from the first byte to the last.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::ListenerContext;
use crate::ended::Ended;
use crate::handler::MessageHandler;
use crate::transport::stream::{Shutdown, serve_codec};
use crate::transport::websocket::{Admitted, Entrance, WebSocketCodec, accept_upgrade};

/// Serves a WebSocket client on a port.
pub(super) async fn serve_tcp<F, H>(
    stream: TcpStream,
    context: &ListenerContext<F>,
    shutdown: Shutdown,
) where
    F: Fn() -> H + Send + Sync + 'static,
    H: MessageHandler + 'static,
{
    let entrance = Entrance::new(Some(context.handshakes.enter()), None);
    serve_upgraded(stream, &entrance, context, shutdown).await;
}

pub(super) async fn serve_upgraded<S, F, H>(
    stream: S,
    entrance: &Entrance,
    context: &ListenerContext<F>,
    mut shutdown: Shutdown,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn() -> H + Send + Sync + 'static,
    H: MessageHandler + 'static,
{
    let admitted = tokio::select! {
        admitted = accept_upgrade(stream, &context.admission, entrance) => admitted,
        () = entrance.evicted() => None,
        _ = shutdown.wait_for(|shutdown| *shutdown) => None,
    };
    let Some(Admitted {
        stream,
        permit,
        until,
    }) = admitted
    else {
        return;
    };
    let (reader, writer) = tokio::io::split(stream);
    let codec = WebSocketCodec::new(&context.limits);
    let (handler, limits) = ((context.open)(), context.limits.clone());
    let expiry = context.admission.expired(until);
    log_end(serve_codec(reader, writer, codec, handler, limits, shutdown, expiry).await);
    drop(permit);
}

pub(super) fn log_end(ended: Ended) {
    match ended {
        Ended::PeerTooSlow => {
            tracing::warn!("a connection was closed because it did not read what was sent to it");
        }
        Ended::Expired => tracing::info!("a connection was closed because its bearer expired"),
        _ => {}
    }
}
