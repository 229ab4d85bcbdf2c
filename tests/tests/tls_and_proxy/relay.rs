//! Carries bytes through a tunnel, and records their directions.

use std::io;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The direction of bytes in a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// To the server.
    There,
    /// From it.
    Back,
}

/// The directions of each tunnel, in the order of their opening. Bytes that follow others in the
/// same direction are one entry.
#[derive(Clone, Debug, Default)]
pub(super) struct Tunnels(Arc<Mutex<Vec<Vec<Direction>>>>);

impl Tunnels {
    /// Returns the directions so far.
    pub(super) fn of(&self, tunnel: usize) -> Vec<Direction> {
        let tunnels = self.0.lock().unwrap();
        tunnels.get(tunnel).cloned().unwrap_or_default()
    }

    /// Returns how many were opened.
    pub(super) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn open(&self) -> usize {
        let mut tunnels = self.0.lock().unwrap();
        tunnels.push(Vec::new());
        tunnels.len() - 1
    }

    fn record(&self, tunnel: usize, direction: Direction) {
        let directions = &mut self.0.lock().unwrap()[tunnel];
        if directions.last() != Some(&direction) {
            directions.push(direction);
        }
    }

    /// Carries bytes both ways until both ends are closed.
    pub(super) async fn carry<S>(&self, client: S, origin: TcpStream) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let tunnel = self.open();
        let (from_client, to_client) = tokio::io::split(client);
        let (from_origin, to_origin) = tokio::io::split(origin);
        tokio::try_join!(
            copy(from_client, to_origin, || self
                .record(tunnel, Direction::There)),
            copy(from_origin, to_client, || self
                .record(tunnel, Direction::Back)),
        )?;
        Ok(())
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    record: impl Fn(),
) -> io::Result<()> {
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let count = from.read(&mut bytes).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        // First, so that what arrived was recorded before.
        record();
        to.write_all(&bytes[..count]).await?;
    }
}
