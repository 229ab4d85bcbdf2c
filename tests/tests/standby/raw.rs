//! A server behind TLS that does with each connection what a test wants.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use byokey_dev_backend::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A connection with its handshake done.
pub(super) type Secured = StreamOwned<ServerConnection, TcpStream>;

/// What is done with the connection of that number, counted from 1. Returns the requests that
/// arrived on it.
pub(super) type Deed = fn(usize, &mut Secured) -> usize;

/// The server.
pub(super) struct Raw {
    pub(super) url: String,
    /// The numbers of connections with their handshake done.
    secured: Mutex<Receiver<usize>>,
    /// The number of a connection that is over, and of the requests on it.
    over: Mutex<Receiver<(usize, usize)>>,
    /// Those that were over before the one that was waited for.
    earlier: Mutex<Vec<(usize, usize)>>,
}

impl Raw {
    pub(super) fn start(config: &ServerConfig, deed: Deed) -> Self {
        Self::prepared(config, |_, _| {}, deed)
    }

    /// Starts a server that does something with the socket of each connection after the handshake,
    /// before [`Raw::secured`] reports it.
    pub(super) fn prepared(
        config: &ServerConfig,
        prepare: fn(usize, &TcpStream),
        deed: Deed,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let config = Arc::new(config.clone());
        let (report, over) = channel();
        let (secure, secured) = channel();
        thread::spawn(move || {
            for (index, stream) in listener.incoming().enumerate() {
                let (config, report, secure) =
                    (Arc::clone(&config), report.clone(), secure.clone());
                let number = index + 1;
                thread::spawn(move || {
                    if let Some(mut stream) = secure_by(stream.unwrap(), config) {
                        prepare(number, &stream.sock);
                        // The test may be over.
                        let _ = secure.send(number);
                        let _ = report.send((number, deed(number, &mut stream)));
                    }
                });
            }
        });
        Self {
            url,
            secured: Mutex::new(secured),
            over: Mutex::new(over),
            earlier: Mutex::default(),
        }
    }

    /// Waits until this connection, the next one, has its handshake done.
    pub(super) fn secured(&self, number: usize) {
        assert_eq!(self.secured_within(byokey_tests::PATIENCE), Some(number));
    }

    /// Returns the next connection that has its handshake done, if there is one in time.
    pub(super) fn secured_within(&self, within: Duration) -> Option<usize> {
        self.secured.lock().unwrap().recv_timeout(within).ok()
    }

    /// Waits for the end of this connection, and returns the number of requests on it.
    pub(super) fn requests_on(&self, number: usize) -> usize {
        let mut earlier = self.earlier.lock().unwrap();
        if let Some(at) = earlier.iter().position(|(which, _)| *which == number) {
            return earlier.remove(at).1;
        }
        let over = self.over.lock().unwrap();
        loop {
            let ended = over.recv_timeout(byokey_tests::PATIENCE).unwrap();
            if ended.0 == number {
                return ended.1;
            }
            earlier.push(ended);
        }
    }

    /// Returns the numbers of requests on the other connections that are over.
    pub(super) fn requests_on_others(&self) -> Vec<usize> {
        let mut others = std::mem::take(&mut *self.earlier.lock().unwrap());
        others.extend(self.over.lock().unwrap().try_iter());
        others.into_iter().map(|(_, requests)| requests).collect()
    }
}

fn secure_by(mut stream: TcpStream, config: Arc<ServerConfig>) -> Option<Secured> {
    let mut connection = ServerConnection::new(config).unwrap();
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).ok()?;
    }
    Some(StreamOwned::new(connection, stream))
}

/// Reads one request without a body, or the end. Returns whether it was a request.
pub(super) fn read_request(stream: &mut Secured) -> bool {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return false,
        }
    }
    let text = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length = length.map_or(0, |length| length.parse().unwrap());
    stream.read_exact(&mut vec![0; length]).is_ok()
}

/// Answers with this status and a JSON object.
pub(super) fn answer(stream: &mut Secured, status: &str) {
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\n{{}}");
    // The client may be gone.
    drop(
        stream
            .write_all(answer.as_bytes())
            .and_then(|()| stream.flush()),
    );
}
