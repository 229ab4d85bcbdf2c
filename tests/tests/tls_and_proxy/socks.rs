//! A SOCKS proxy of versions 4, 4a and 5 that always connects to this machine. It asks for a user
//! where the client can name one (RFC 1929).

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::relay::Tunnels;

/// A proxy on this machine. It ends on drop.
pub(super) struct Socks {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    /// What it carried.
    pub(super) tunnels: Tunnels,
    accepting: JoinHandle<()>,
}

impl Socks {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&asked);
        let tunnels = Tunnels::default();
        let carried = tunnels.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&seen), carried.clone()));
            }
        });
        Self {
            address,
            asked,
            tunnels,
            accepting,
        }
    }

    pub(super) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    /// Returns the requested hosts, behind the user and the password that were sent.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Socks {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    asked: Arc<Mutex<Vec<String>>>,
    tunnels: Tunnels,
) -> io::Result<()> {
    let (host, port, answer) = match stream.read_u8().await? {
        4 => version_4(&mut stream).await?,
        _ => version_5(&mut stream).await?,
    };
    asked.lock().unwrap().push(host);
    let origin = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(&answer).await?;
    tunnels.carry(stream, origin).await
}

async fn version_4(stream: &mut TcpStream) -> io::Result<(String, u16, Vec<u8>)> {
    let _connect = stream.read_u8().await?;
    let port = stream.read_u16().await?;
    let address = Ipv4Addr::from(stream.read_u32().await?);
    text(stream).await?;
    // 4a: an invalid address, and a name behind the user.
    let host = match address.octets() {
        [0, 0, 0, last] if last != 0 => text(stream).await?,
        _ => address.to_string(),
    };
    Ok((host, port, vec![0, 0x5a, 0, 0, 0, 0, 0, 0]))
}

async fn text(stream: &mut TcpStream) -> io::Result<String> {
    let mut text = String::new();
    loop {
        match stream.read_u8().await? {
            0 => return Ok(text),
            byte => text.push(byte.into()),
        }
    }
}

/// Reads bytes behind their number.
async fn sized(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; stream.read_u8().await?.into()];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

async fn version_5(stream: &mut TcpStream) -> io::Result<(String, u16, Vec<u8>)> {
    let methods = sized(stream).await?;
    let mut user = String::new();
    if methods.contains(&2) {
        stream.write_all(&[5, 2]).await?;
        stream.read_u8().await?;
        for _ in 0..2 {
            user.push_str(&String::from_utf8_lossy(&sized(stream).await?));
            user.push(':');
        }
        stream.write_all(&[1, 0]).await?;
    } else {
        stream.write_all(&[5, 0]).await?;
    }
    stream.read_exact(&mut [0; 3]).await?;
    let host = match stream.read_u8().await? {
        1 => Ipv4Addr::from(stream.read_u32().await?).to_string(),
        _ => String::from_utf8_lossy(&sized(stream).await?).into_owned(),
    };
    let port = stream.read_u16().await?;
    Ok((user + &host, port, vec![5, 0, 0, 1, 0, 0, 0, 0, 0, 0]))
}
