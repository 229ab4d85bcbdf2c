//! The program with `--listen`, and hosts that connect to it.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as BlockingStream;
use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::{TcpStream, UnixStream};
use tokio::process::{ChildStdin, ChildStdout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::{Framing, Host, PATIENCE, Server, Setup};

/// A WebSocket client of the program.
pub type WebSocket = WebSocketStream<TcpStream>;

/// The program, listening.
#[derive(Debug)]
pub struct Listening {
    /// The program.
    pub server: Server,
    place: String,
}

impl Listening {
    /// Starts the program and waits until it listens.
    ///
    /// # Panics
    ///
    /// When it does not listen in time.
    pub async fn start(setup: Setup, listen: &str) -> Self {
        let server = setup.argument("--listen").argument(listen).start();
        let words = "byokey: listening on ";
        let place = reported(&server, |line| line.strip_prefix(words).map(str::to_owned)).await;
        Self { server, place }
    }

    /// Starts the program on a free port of this machine.
    pub async fn websocket(setup: Setup) -> Self {
        Self::start(setup, "ws://127.0.0.1:0").await
    }

    /// Returns where it listens, according to its output.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Returns the address of its port.
    ///
    /// # Panics
    ///
    /// When it listens on something else.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        let address = self.place.strip_prefix("ws://").expect("a WebSocket URL");
        address.parse().expect("an address")
    }

    /// Returns the path of its socket.
    ///
    /// # Panics
    ///
    /// When it listens on something else.
    #[must_use]
    pub fn socket(&self) -> &Path {
        Path::new(self.place.strip_prefix("unix://").expect("a Unix URL"))
    }

    /// Returns the file with the generated token: what a line of the output ends with, whatever the
    /// words before it.
    pub async fn token_file(&self) -> PathBuf {
        reported(&self.server, |line| {
            let last = line.strip_prefix("byokey: ")?.rsplit(' ').next()?;
            last.ends_with(".token").then(|| PathBuf::from(last))
        })
        .await
    }

    /// Returns the generated token.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub async fn token(&self) -> String {
        let text = std::fs::read_to_string(self.token_file().await).expect("the token");
        text.trim().to_owned()
    }

    /// Connects a WebSocket client with this bearer.
    ///
    /// # Errors
    ///
    /// When it is refused.
    ///
    /// # Panics
    ///
    /// When nothing arrives in time.
    pub async fn connect(&self, bearer: &str) -> Result<WebSocket, Error> {
        let mut request = self.place.clone().into_client_request()?;
        let bearer = format!("Bearer {bearer}").parse().expect("a header");
        request.headers_mut().insert("Authorization", bearer);
        let stream = TcpStream::connect(self.address()).await.expect("the port");
        let connected = tokio::time::timeout(PATIENCE, client_async(request, stream)).await;
        connected
            .expect("an answer in time")
            .map(|(client, _)| client)
    }

    /// Connects a WebSocket client with the generated token.
    ///
    /// # Panics
    ///
    /// When it is refused.
    pub async fn client(&self) -> WebSocket {
        let token = self.token().await;
        self.connect(&token).await.expect("the token is good")
    }

    /// Returns a host over WebSocket after its handshake.
    pub async fn host(&self) -> Host {
        let mut host = self.over(self.client().await);
        introduce(&mut host, json!({})).await;
        host
    }

    /// Returns a host over the Unix socket after its handshake.
    pub async fn unix_host(&self) -> Host {
        let mut host = self.unix_stranger();
        introduce(&mut host, json!({})).await;
        host
    }

    /// Returns a host over the Unix socket before its handshake.
    ///
    /// # Panics
    ///
    /// When it cannot connect.
    #[must_use]
    pub fn unix_stranger(&self) -> Host {
        self.unix_stranger_framing(Framing::Lines)
    }

    /// Returns a host over the Unix socket before its handshake.
    ///
    /// # Panics
    ///
    /// When it cannot connect.
    #[must_use]
    pub fn unix_stranger_framing(&self, framing: Framing) -> Host {
        let stream = BlockingStream::connect(self.socket()).expect("the socket");
        self.over_socket(stream, framing)
    }

    /// Returns a host over WebSocket on the Unix socket before its handshake.
    ///
    /// # Panics
    ///
    /// When it is refused.
    pub async fn unix_websocket_stranger(&self) -> Host {
        let stream = UnixStream::connect(self.socket()).await;
        let connected = client_async("ws://localhost/", stream.expect("the socket"));
        let connected = tokio::time::timeout(PATIENCE, connected).await;
        let (client, _) = connected.expect("an answer in time").expect("a WebSocket");
        self.over(client)
    }

    /// Returns a host over a WebSocket connection, which closes with the host.
    ///
    /// # Panics
    ///
    /// When the system has no sockets left.
    #[must_use]
    pub fn over<S>(&self, client: WebSocketStream<S>) -> Host
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (near, far) = BlockingStream::pair().expect("two sockets");
        far.set_nonblocking(true).expect("a socket");
        let far = UnixStream::from_std(far).expect("a socket");
        tokio::spawn(carry(far, client));
        self.over_socket(near, Framing::Lines)
    }

    fn over_socket(&self, stream: BlockingStream, framing: Framing) -> Host {
        let output = OwnedFd::from(stream.try_clone().expect("a descriptor"));
        let input = process::ChildStdin::from(OwnedFd::from(stream));
        let pipes = (
            ChildStdin::from_std(input).expect("a socket"),
            ChildStdout::from_std(output.into()).expect("a socket"),
        );
        Host::over(pipes, framing, &self.server.canaries)
    }

    /// Sends this on a new TCP connection and returns everything received until its end.
    ///
    /// # Panics
    ///
    /// When it does not end in time.
    pub async fn http(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).await.expect("the port");
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer);
        let read = tokio::time::timeout(PATIENCE, read).await;
        read.expect("the connection ends").expect("readable text");
        answer
    }
}

/// Runs the handshake of a host.
///
/// # Panics
///
/// When it is refused.
pub async fn introduce(host: &mut Host, capabilities: Value) {
    let client = json!({"name": "test-host", "title": "Test host", "version": "1.0"});
    let params = json!({"clientInfo": client, "capabilities": capabilities});
    let answer = host.request("initialize", params).await;
    answer.expect("initialize is answered");
    host.send(&json!({"method": "initialized"})).await;
}

/// Forwards lines of one side as text messages to the other, and back, until one ends.
async fn carry<S>(lines: UnixStream, client: WebSocketStream<S>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (reader, mut writer) = lines.into_split();
    let mut lines = BufReader::new(reader).lines();
    let (mut sink, mut stream) = client.split();
    let there = async {
        while let Ok(Some(line)) = lines.next_line().await {
            if sink.send(Message::text(line)).await.is_err() {
                return;
            }
        }
        // It may be closed already.
        drop(sink.close().await);
    };
    let back = async {
        while let Some(Ok(message)) = stream.next().await {
            if let Message::Text(text) = message
                && writer
                    .write_all(format!("{text}\n").as_bytes())
                    .await
                    .is_err()
            {
                return;
            }
        }
    };
    tokio::select! {
        () = there => {}
        () = back => {}
    }
}

/// Returns what is found in a complete line of the program's output.
async fn reported<T>(server: &Server, find: impl Fn(&str) -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let log = server.log();
        // What follows the last line break may be cut anywhere.
        let lines = log.split_inclusive('\n');
        let mut lines = lines.filter_map(|line| line.strip_suffix('\n'));
        if let Some(found) = lines.find_map(&find) {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "it says: {log}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
