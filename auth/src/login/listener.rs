//! The port of the callback server.
//!
//! The issuer only accepts `localhost` with two ports, and both address families must be bound: a
//! program that bound the other one would receive the code.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::failure::StartFailure;

/// The ports of codex's registered redirect URIs.
pub(super) const PORTS: [u16; 2] = [1455, 1457];
/// Attempts to bind a busy port, and the delay between them.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(200);
/// Timeout for asking an earlier login server to stop.
const CANCEL_TIME: Duration = Duration::from_millis(500);

/// The same port on both address families. It is closed on drop.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) port: u16,
    ipv4: TcpListener,
    /// `None` without IPv6.
    ipv6: Option<TcpListener>,
}

impl Listener {
    /// Binds the first of these ports that is free, or becomes free when an earlier login server is
    /// asked to stop.
    pub(super) async fn bind(ports: &[u16]) -> Result<Self, StartFailure> {
        let mut refused = StartFailure::PortUnavailable { port: 0 };
        for &port in ports {
            for attempt in 0..TRIES {
                refused = match Self::bind_both(port).await {
                    Ok(listener) => return Ok(listener),
                    Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                        StartFailure::PortUnavailable { port }
                    }
                    Err(error) => StartFailure::PortRefused {
                        port,
                        problem: error.to_string(),
                    },
                };
                if attempt == 0 {
                    let asked = tokio::time::timeout(CANCEL_TIME, ask_to_stop(port));
                    // If the port's owner is not a login server, the port stays busy.
                    drop(asked.await);
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        Err(refused)
    }

    async fn bind_both(port: u16) -> io::Result<Self> {
        let ipv4 = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let port = ipv4.local_addr()?.port();
        let ipv6 = match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
            Ok(listener) => Some(listener),
            Err(error) if is_taken(&error) => return Err(error),
            Err(_) => None,
        };
        Ok(Self { port, ipv4, ipv6 })
    }

    /// Accepts the next connection.
    pub(super) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        match &self.ipv6 {
            None => self.ipv4.accept().await,
            Some(ipv6) => tokio::select! {
                accepted = self.ipv4.accept() => accepted,
                accepted = ipv6.accept() => accepted,
            },
        }
    }
}

/// Returns whether another process holds the port. Other errors mean that the address family is
/// unavailable.
fn is_taken(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
    )
}

async fn ask_to_stop(port: u16) -> io::Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let request =
        format!("GET /cancel HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    // Its response does not matter: the request has arrived.
    stream.read(&mut [0; 256]).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use tokio::net::TcpListener;

    use super::{Listener, StartFailure};

    // Row: callback 2
    #[tokio::test(start_paused = true)]
    async fn a_stranger_on_either_family_makes_the_port_busy() {
        let free = Listener::bind(&[0]).await.unwrap();
        let port = free.port;
        let has_ipv6 = free.ipv6.is_some();
        drop(free);
        let stranger = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        let busy = Listener::bind(&[port]).await.unwrap_err();
        assert_eq!(busy, StartFailure::PortUnavailable { port });
        drop(stranger);
        if has_ipv6 {
            let stranger = TcpListener::bind((Ipv6Addr::LOCALHOST, port))
                .await
                .unwrap();
            Listener::bind(&[port]).await.unwrap_err();
            let next = Listener::bind(&[port, 0]).await.unwrap();
            assert_ne!(next.port, port);
            drop(stranger);
        }
        Listener::bind(&[port]).await.unwrap();
    }
}
