//! A proxy that opens tunnels, or answers with one text, and records its requests.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::relay::Tunnels;
use super::{ADDRESS, NAME};

/// A proxy on this machine. It ends on drop.
pub(super) struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    /// What it carried.
    pub(super) tunnels: Tunnels,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy that opens tunnels.
    pub(super) async fn start() -> Self {
        Self::serve(None).await
    }

    /// Starts a proxy that always answers with this text.
    pub(super) async fn answering(answer: &'static str) -> Self {
        Self::serve(Some(answer)).await
    }

    async fn serve(answer: Option<&'static str>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&asked);
        let tunnels = Tunnels::default();
        let carried = tunnels.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, carried) = (Arc::clone(&seen), carried.clone());
                tokio::spawn(tunnel(stream, answer, seen, carried));
            }
        });
        Self {
            address,
            asked,
            tunnels,
            accepting,
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the request heads so far.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn tunnel(
    stream: TcpStream,
    answer: Option<&str>,
    asked: Arc<Mutex<Vec<String>>>,
    tunnels: Tunnels,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while stream.read_line(&mut head).await? > 2 {}
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    asked.lock().unwrap().push(head);
    if let Some(answer) = answer {
        return stream.write_all(answer.as_bytes()).await;
    }
    let target = target.replace(NAME, "127.0.0.1");
    let origin = TcpStream::connect(target.replace(ADDRESS, "127.0.0.1")).await?;
    stream
        .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .await?;
    tunnels.carry(stream, origin).await
}
