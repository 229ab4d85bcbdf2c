//! One connection of a Unix socket: lines, frames or WebSocket.

use std::io;
use std::sync::Arc;

use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest};
use tokio::net::UnixStream;
use zeroize::{Zeroize as _, Zeroizing};

use crate::handler::MessageHandler;
use crate::transport::listener::ListenerContext;
use crate::transport::listener::accepted::{log_end, serve_upgraded};
use crate::transport::stream::{Shutdown, serve};

/// The response to a connection over the limit. Its framing is not known yet, so it is one line.
const NO_PERMIT: &[u8] =
    b"{\"error\":{\"code\":-32001,\"message\":\"too many connections; close one \
or raise --max-connections\",\"data\":{\"kind\":\"overloaded\"}},\"id\":null}\n";

/// Serves a connection to the Unix socket: as WebSocket (codex's clients) if it begins with an HTTP
/// request, else as on standard input.
pub(in crate::transport::listener) async fn serve_unix<F, H>(
    stream: UnixStream,
    context: &ListenerContext<F>,
    mut shutdown: Shutdown,
) where
    F: Fn() -> H + Send + Sync + 'static,
    H: MessageHandler + 'static,
{
    let first = tokio::select! {
        first = first_byte(&stream) => first,
        _ = shutdown.wait_for(|shutdown| *shutdown) => return,
    };
    match first {
        Ok(Some(b'G')) => serve_upgraded(stream, None, context, shutdown).await,
        Ok(Some(_)) => {
            let Ok(_permit) = Arc::clone(&context.permits).try_acquire_owned() else {
                // A client that does not read this in time loses only the reason.
                drop(tokio::time::timeout(context.limits.close_timeout, refuse(stream)).await);
                return;
            };
            let (reader, writer) = stream.into_split();
            let handler = (context.open)();
            log_end(serve(reader, writer, handler, context.limits, shutdown).await);
        }
        Ok(None) | Err(_) => {}
    }
}

/// Reports that there are too many connections, then reads until the peer closes its side: closing
/// a socket with unread input would reset it.
async fn refuse(mut stream: UnixStream) -> io::Result<()> {
    stream.write_all(NO_PERMIT).await?;
    stream.shutdown().await?;
    let mut unread = Zeroizing::new([0; 1024]);
    while stream.read(&mut *unread).await? > 0 {
        unread.zeroize();
    }
    Ok(())
}

/// Peeks at the first byte of the peer.
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
