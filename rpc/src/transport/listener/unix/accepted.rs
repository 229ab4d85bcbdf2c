//! One connection of a Unix socket: lines, frames or WebSocket.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use byokey_base::places::Place;
use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest};
use tokio::net::UnixStream;
use tokio::sync::OwnedSemaphorePermit;
use zeroize::{Zeroize as _, Zeroizing};

use crate::handler::MessageHandler;
use crate::transport::listener::accepted::{log_end, serve_upgraded};
use crate::transport::listener::{Crowd, ListenerContext};
use crate::transport::stream::{Shutdown, serve};
use crate::transport::websocket::Entrance;

/// How long a connection that has sent nothing keeps its place although another one needs it.
const MIN_SILENCE: Duration = Duration::from_secs(5);
/// How long a connection that found no place may take until it speaks, and one that has to leave
/// its place to be gone.
const SURPLUS_TIME: Duration = Duration::from_secs(1);

/// The response to a connection over the limit. Its framing is not known yet, so it is one line.
const NO_PERMIT: &[u8] =
    b"{\"error\":{\"code\":-32001,\"message\":\"too many connections; close one \
or raise --max-connections\",\"data\":{\"kind\":\"overloaded\"}},\"id\":null}\n";

/// A connection that has sent something.
struct Speaker {
    /// Its first byte.
    first: u8,
    holds: Holds,
}

/// What a connection holds.
enum Holds {
    /// One of the places.
    Place(OwnedSemaphorePermit),
    /// None of them: it is over the limit.
    Surplus(Place),
}

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
    let speaker = tokio::select! {
        speaker = context.crowd.admit(&stream) => speaker,
        _ = shutdown.wait_for(|shutdown| *shutdown) => None,
    };
    match speaker {
        None => {}
        Some(Speaker { first: b'G', holds }) => {
            let entrance = match holds {
                Holds::Place(permit) => Entrance::new(None, Some(permit)),
                Holds::Surplus(surplus) => Entrance::new(Some(surplus), None),
            };
            serve_upgraded(stream, &entrance, context, shutdown).await;
        }
        Some(Speaker {
            holds: Holds::Surplus(surplus),
            ..
        }) => {
            // A client that does not read this in time loses only the reason.
            let refused = tokio::time::timeout(context.limits.close_timeout, refuse(stream));
            tokio::select! {
                _ = refused => {}
                () = surplus.evicted() => {}
            }
        }
        Some(Speaker {
            holds: Holds::Place(_permit),
            ..
        }) => {
            let (reader, writer) = stream.into_split();
            let handler = (context.open)();
            log_end(serve(reader, writer, handler, context.limits.clone(), shutdown).await);
        }
    }
}

impl Crowd {
    /// Waits until a new connection speaks. None if it has to go.
    async fn admit(&self, stream: &UnixStream) -> Option<Speaker> {
        if let Some(permit) = self.place().await {
            let silent = self.silent.enter();
            let first = tokio::select! {
                first = first_byte(stream) => first.ok()??,
                () = silent.evicted() => return None,
            };
            let holds = Holds::Place(permit);
            return silent.release().then_some(Speaker { first, holds });
        }
        let surplus = self.surplus.enter();
        let spoken = tokio::time::timeout(SURPLUS_TIME, first_byte(stream));
        let first = tokio::select! {
            first = spoken => first.ok()?.ok()??,
            () = surplus.evicted() => return None,
        };
        let permit = tokio::select! {
            permit = self.find_place() => permit,
            () = surplus.evicted() => {
                if first != b'G' {
                    // There is no time to wait until it can be written.
                    drop(stream.try_write(NO_PERMIT));
                }
                return None;
            }
        };
        let holds = permit.map_or(Holds::Surplus(surplus), Holds::Place);
        Some(Speaker { first, holds })
    }

    /// A place, if one is free, or if one has been silent for long enough to lose its place.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            return Some(permit);
        }
        let latest = Instant::now().checked_sub(MIN_SILENCE)?;
        if !self.silent.evict_older_than(latest) {
            return None;
        }
        let freed = Arc::clone(&self.permits).acquire_owned();
        tokio::time::timeout(SURPLUS_TIME, freed).await.ok()?.ok()
    }

    /// Waits for a place for as long as silent connections hold some: a client that has spoken is
    /// not turned away for the sake of those.
    async fn find_place(&self) -> Option<OwnedSemaphorePermit> {
        loop {
            if let Some(permit) = self.place().await {
                return Some(permit);
            }
            let since = self.silent.oldest()?;
            let freed = Arc::clone(&self.permits).acquire_owned();
            tokio::select! {
                permit = freed => return permit.ok(),
                () = tokio::time::sleep_until((since + MIN_SILENCE).into()) => {}
            }
        }
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
