//! The toy behind each transport, with a client.

use std::net::TcpListener;
use std::sync::Arc;

use byokey_base::clock::SystemClock;
use byokey_rpc::websocket::BearerRule;
use byokey_rpc::{BoundListener, Child, Limits, ListenLimits, Listener, serve};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::client::Client;
use crate::service::open;

/// Set in the child that serves the toy on its standard input and output.
pub(crate) const SERVES: &str = "TOY_SERVES";
const TOKEN: &str = "made-up-token-of-the-toy-0123456789";

#[derive(Clone, Copy, Debug)]
pub(crate) enum Transport {
    /// In this process, over in-memory pipes.
    Memory,
    /// The claimed standard input and output of a child process.
    Child,
    #[cfg(unix)]
    UnixSocket,
    WebSocket,
}

impl Transport {
    pub(crate) const ALL: &[Self] = &[
        Self::Memory,
        Self::Child,
        #[cfg(unix)]
        Self::UnixSocket,
        Self::WebSocket,
    ];
}

/// Resources that end with a test.
#[derive(Default)]
pub(crate) struct Stage {
    shutdown: watch::Sender<bool>,
    served: Option<JoinHandle<()>>,
    child: Option<Child>,
    _folder: Option<TempDir>,
}

impl Stage {
    pub(crate) async fn set(transport: Transport) -> (Self, Client) {
        let mut stage = Self::default();
        let shutdown = stage.shutdown.subscribe();
        let client = match transport {
            Transport::Memory => {
                let (input, reader) = tokio::io::duplex(64);
                let (writer, output) = tokio::io::duplex(64);
                stage.served = Some(tokio::spawn(async move {
                    serve(reader, writer, open(), Limits::default(), shutdown).await;
                }));
                Client::lines(output, input)
            }
            Transport::Child => {
                let mut command = Command::new(std::env::current_exe().unwrap());
                command.env(SERVES, "1");
                let (child, (output, input)) = Child::spawn(command).unwrap();
                stage.child = Some(child);
                Client::lines(output, input)
            }
            #[cfg(unix)]
            Transport::UnixSocket => {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("private").join("toy.sock");
                stage.listen(BoundListener::unix(path.clone()).unwrap());
                stage._folder = Some(folder);
                let stream = tokio::net::UnixStream::connect(path).await.unwrap();
                let (output, input) = stream.into_split();
                Client::lines(output, input)
            }
            Transport::WebSocket => {
                let port = TcpListener::bind("127.0.0.1:0").unwrap();
                let address = port.local_addr().unwrap();
                let rule = BearerRule::capability(TOKEN.as_bytes());
                stage.listen(BoundListener::port(port, rule).unwrap());
                let mut request = format!("ws://{address}").into_client_request().unwrap();
                let bearer = format!("Bearer {TOKEN}").parse().unwrap();
                request.headers_mut().insert("authorization", bearer);
                let stream = TcpStream::connect(address).await.unwrap();
                let (socket, _) = client_async(request, stream).await.unwrap();
                Client::WebSocket(Box::new(socket))
            }
        };
        (stage, client)
    }

    fn listen(&mut self, bound: BoundListener) {
        let limits = ListenLimits {
            max_message: 1 << 20,
            max_connections: 2,
        };
        let listener = Listener::new(bound, open, limits, Arc::new(SystemClock)).unwrap();
        let shutdown = self.shutdown.subscribe();
        self.served = Some(tokio::spawn(listener.serve(shutdown)));
    }

    /// Ends the server; a child exits at its end of input.
    pub(crate) async fn end(mut self) {
        self.shutdown.send_replace(true);
        if let Some(served) = self.served.take() {
            tokio::time::timeout(crate::client::PATIENCE, served)
                .await
                .unwrap()
                .unwrap();
        }
        if let Some(mut child) = self.child.take() {
            assert!(child.end().await.unwrap().success());
        }
    }
}
