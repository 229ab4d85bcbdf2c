//! The thread, its socket and its connections.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
#[cfg(feature = "tls")]
use tokio_rustls::rustls::HandshakeKind;

use crate::server::exchange::{self, Shared};
use crate::server::security::Security;

/// The backlog of connections: enough for a thousand at once.
const BACKLOG: u32 = 4096;

/// Most concurrent requests on one HTTP/2 connection. The usual 200 would starve a
/// [`Gate`](crate::Gate) that waits for more.
#[cfg(feature = "http2")]
const MAX_STREAMS: u32 = 16_384;

/// The delay when a connection cannot be accepted, for example without file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Serves until `stop` fires or its sender is dropped. Reports the address, or the error, on
/// `ready`.
pub(crate) fn run(
    port: u16,
    security: &Security,
    shared: &Arc<Shared>,
    ready: &SyncSender<io::Result<SocketAddr>>,
    stop: oneshot::Receiver<()>,
) {
    // `ready` has room for one message, and its receiver waits for it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return drop(ready.send(Err(error))),
    };
    runtime.block_on(async {
        match listen(port).and_then(|listener| Ok((listener.local_addr()?, listener))) {
            Err(error) => drop(ready.send(Err(error))),
            Ok((addr, listener)) => {
                let _ = ready.send(Ok(addr));
                tokio::select! {
                    _ = stop => {}
                    () = accept(listener, security, shared) => {}
                }
            }
        }
    });
    // Dropping the runtime drops every connection.
}

/// Must run inside the runtime.
fn listen(port: u16) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // Allows binding a fixed port right after a restart. On Windows the option would let another
    // process steal it.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
    socket.listen(BACKLOG)
}

async fn accept(listener: TcpListener, security: &Security, shared: &Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(secure(
                stream,
                security.clone(),
                Arc::clone(shared),
            ))),
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn secure(stream: TcpStream, security: Security, shared: Arc<Shared>) {
    // Events are small and must not wait for each other. A failure to set this is harmless.
    let _ = stream.set_nodelay(true);
    let counted = Arc::clone(&shared);
    let _open = counted.connections.accept();
    match security {
        Security::Plain => converse(stream, shared).await,
        #[cfg(feature = "tls")]
        Security::Tls(acceptor) => {
            // A failed handshake is the client's to report.
            if let Ok(stream) = acceptor.accept(stream).await {
                let kind = stream.get_ref().1.handshake_kind();
                let is_resumed = kind == Some(HandshakeKind::Resumed);
                counted.connections.handshake(is_resumed);
                converse(stream, shared).await;
            }
        }
    }
}

/// Serves HTTP/1.1, or HTTP/2 if the client starts with it and the feature is enabled.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    shared: Arc<Shared>,
) {
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { exchange::answer(&shared, request).await }
    });
    #[cfg(not(feature = "http2"))]
    let builder = hyper::server::conn::http1::Builder::new();
    #[cfg(feature = "http2")]
    let builder = {
        let executor = hyper_util::rt::TokioExecutor::new();
        let mut builder = hyper_util::server::conn::auto::Builder::new(executor);
        builder.http2().max_concurrent_streams(MAX_STREAMS);
        builder
    };
    // Errors are broken or deliberately dropped connections, without a peer to report them to.
    let _ = builder
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
