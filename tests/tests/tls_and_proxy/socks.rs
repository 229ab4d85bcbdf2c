//! A SOCKS proxy of versions 4, 4a and 5 that always connects to this machine.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A proxy on this machine. It ends on drop.
pub(super) struct Socks {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    accepting: JoinHandle<()>,
}

impl Socks {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&asked);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&seen)));
            }
        });
        Self {
            address,
            asked,
            accepting,
        }
    }

    pub(super) fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.address)
    }

    /// Returns the requested hosts.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Socks {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut stream: TcpStream, asked: Arc<Mutex<Vec<String>>>) -> io::Result<()> {
    let (host, port, answer) = match stream.read_u8().await? {
        4 => version_4(&mut stream).await?,
        _ => version_5(&mut stream).await?,
    };
    asked.lock().unwrap().push(host);
    let mut origin = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(&answer).await?;
    copy_bidirectional(&mut stream, &mut origin).await?;
    Ok(())
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

async fn version_5(stream: &mut TcpStream) -> io::Result<(String, u16, Vec<u8>)> {
    let methods = stream.read_u8().await?;
    stream.read_exact(&mut vec![0; methods.into()]).await?;
    stream.write_all(&[5, 0]).await?;
    stream.read_exact(&mut [0; 3]).await?;
    let host = match stream.read_u8().await? {
        1 => Ipv4Addr::from(stream.read_u32().await?).to_string(),
        _ => {
            let mut name = vec![0; stream.read_u8().await?.into()];
            stream.read_exact(&mut name).await?;
            String::from_utf8_lossy(&name).into_owned()
        }
    };
    let port = stream.read_u16().await?;
    Ok((host, port, vec![5, 0, 0, 1, 0, 0, 0, 0, 0, 0]))
}
