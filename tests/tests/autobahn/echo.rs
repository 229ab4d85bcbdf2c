//! An echo server on the program's own handshake and frames.
//!
//! The program itself only accepts text with JSON; the layers below are the same here.

use std::io;
use std::sync::Arc;

use byokey_rpc::websocket::frames::{Frames, Piece, frame};
use byokey_rpc::websocket::{Admission, Admitted, Entrance, accept_upgrade};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_tungstenite::tungstenite::protocol::frame::coding::Data;

/// More than the test suite ever holds open.
const CONNECTIONS: usize = 32;

/// Serves messages of up to this many bytes until it is dropped.
pub(crate) async fn serve(listener: TcpListener, max_message: usize) -> io::Result<()> {
    // As on a Unix socket: the suite cannot present a bearer.
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let admission = Arc::new(Admission::of_trusted(permits));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let admission = Arc::clone(&admission);
        tokio::spawn(async move {
            let admitted = accept_upgrade(stream, &admission, &Entrance::default()).await;
            if let Some(Admitted { stream, permit, .. }) = admitted {
                // The suite also breaks connections.
                drop(echo(stream, max_message).await);
                drop(permit);
            }
        });
    }
}

async fn echo(mut client: impl AsyncRead + AsyncWrite + Unpin, limit: usize) -> io::Result<()> {
    let mut frames = Frames::new(limit, None);
    let mut answer = Vec::new();
    let mut is_over = false;
    while !is_over {
        let count = client.read(frames.space()).await?;
        if count == 0 {
            return Ok(());
        }
        frames.filled(count);
        while !is_over && let Some(piece) = frames.next_piece() {
            // A pong is sent before the message that followed the ping.
            frames.take_replies(&mut answer);
            match piece {
                Piece::Text(text) => frame(Data::Text, &text, &mut answer),
                Piece::Binary(bytes) => frame(Data::Binary, &bytes, &mut answer),
                Piece::Over(_) => is_over = true,
            }
        }
        frames.take_replies(&mut answer);
        frames.wipe_handled();
        client.write_all(&answer).await?;
        answer.clear();
    }
    client.shutdown().await?;
    while client.read(&mut [0; 1024]).await? > 0 {}
    Ok(())
}
