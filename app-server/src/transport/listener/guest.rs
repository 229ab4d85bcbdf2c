//! One connection of a listener, from the first byte to the last.

use std::io;
use std::sync::Arc;

use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, Interest};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::OwnedSemaphorePermit;
use zeroize::{Zeroize as _, Zeroizing};

use super::House;
use crate::transport::stream::{Ended, Shutdown, serve, serve_wire};
use crate::transport::websocket::{WebSocketWire, shake_hands};

/// What a connection is told that finds no place. It has said nothing yet, so it gets one line.
const NO_PLACE: &[u8] =
    b"{\"error\":{\"code\":-32001,\"message\":\"too many connections; close one \
or raise --max-connections\",\"data\":{\"kind\":\"overloaded\"}},\"id\":null}\n";

/// Serves a WebSocket client.
pub(super) async fn serve_tcp(
    stream: TcpStream,
    handshake: Option<OwnedSemaphorePermit>,
    house: &House,
    shutdown: Shutdown,
) {
    serve_upgraded(stream, handshake, house, shutdown).await;
}

/// Serves whoever has connected to the Unix socket: a WebSocket client, as those of codex are, if
/// it begins with an HTTP request, else one that speaks as on standard input.
pub(super) async fn serve_unix(stream: UnixStream, house: &House, mut shutdown: Shutdown) {
    let first = tokio::select! {
        first = first_byte(&stream) => first,
        _ = shutdown.wait_for(|shutdown| *shutdown) => return,
    };
    match first {
        Ok(Some(b'G')) => serve_upgraded(stream, None, house, shutdown).await,
        Ok(Some(_)) => {
            let Ok(_place) = Arc::clone(&house.places).try_acquire_owned() else {
                // Whoever does not read it in time has not waited for it.
                drop(tokio::time::timeout(house.limits.parting, refuse(stream)).await);
                return;
            };
            let (reader, writer) = stream.into_split();
            let services = Arc::clone(&house.services);
            told(serve(reader, writer, services, house.limits, shutdown).await);
        }
        Ok(None) | Err(_) => {}
    }
}

/// Tells that there is no place, and reads on until the peer closes its side: a socket that is
/// closed with unread input is reset.
async fn refuse(mut stream: UnixStream) -> io::Result<()> {
    stream.write_all(NO_PLACE).await?;
    stream.shutdown().await?;
    let mut unread = Zeroizing::new([0; 1024]);
    while stream.read(&mut *unread).await? > 0 {
        unread.zeroize();
    }
    Ok(())
}

async fn serve_upgraded<S>(
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

/// The first byte that the peer sends, left where it is.
async fn first_byte(stream: &UnixStream) -> io::Result<Option<u8>> {
    loop {
        stream.readable().await?;
        let mut first = [0];
        let peeked = stream.try_io(Interest::READABLE, || {
            let (_, count) = recv(stream, &mut first[..], RecvFlags::PEEK)?;
            Ok(count)
        });
        match peeked {
            Ok(0) => return Ok(None),
            Ok(_) => return Ok(first.first().copied()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

fn told(ended: Ended) {
    if ended == Ended::PeerTooSlow {
        tracing::warn!("a connection was closed because it did not read what was sent to it");
    }
}
