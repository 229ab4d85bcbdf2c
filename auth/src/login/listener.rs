//! The port that the browser comes back to.
//!
//! The issuer knows only `localhost` with two ports, so both families have to be ours: a program
//! that held the other one would be sent the code.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::failure::StartFailure;

/// The ports that codex's redirect addresses are registered with.
pub(super) const PORTS: [u16; 2] = [1455, 1457];
/// How often a busy port is tried, and how long to wait in between.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(200);
/// How long an earlier login server may take to hear that it should stop.
const CANCEL_TIME: Duration = Duration::from_millis(500);

/// The same port on both families. It is closed when the value goes.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) port: u16,
    ipv4: TcpListener,
    /// None where there is no IPv6.
    ipv6: Option<TcpListener>,
}

impl Listener {
    /// The first of these ports that is free, or becomes free when an earlier login server is
    /// asked to stop.
    pub(super) async fn bind(ports: &[u16]) -> Result<Self, StartFailure> {
        for port in ports {
            for attempt in 0..TRIES {
                if let Ok(listener) = Self::bind_both(*port).await {
                    return Ok(listener);
                }
                if attempt == 0 {
                    let asked = tokio::time::timeout(CANCEL_TIME, ask_to_stop(*port));
                    // Whoever is there may be no login server; then the port stays busy.
                    drop(asked.await);
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
        let port = ports.last().copied().unwrap_or_default();
        Err(StartFailure::PortUnavailable { port })
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

    /// The next connection.
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

/// Whether somebody else holds the port. Any other error means that the family is not there.
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
    // Whatever it says, it has heard us.
    stream.read(&mut [0; 256]).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use tokio::net::TcpListener;

    use super::{Listener, StartFailure};

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
