//! Standby connections: opened ahead of the next call, taken by it, and never more than that.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod ends;
mod faults;
mod frames;
mod idle;
mod raw;
mod silence;
mod slow;
mod uses;

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use byokey_dev_backend::rustls::ServerConfig;
use byokey_dev_backend::{Connections, DevBackend, Options, Script, TestToken};
use byokey_tests::server::mock_provider;
use byokey_tests::tls::{Http, certified};
use byokey_tests::{Host, PATIENCE, Server, Setup};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

const HTTPS: [Http; 2] = [Http::One, Http::Two];
const LIMITS: &str = "account/rateLimits/read";

/// A TLS server's configuration, and a file with the certificate that clients have to trust.
struct Certified {
    config: ServerConfig,
    file: NamedTempFile,
}

impl Certified {
    fn new(http: Http) -> Self {
        let (config, pem) = certified(http);
        let file = NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file.as_file(), pem.as_bytes()).unwrap();
        Self { config, file }
    }

    fn path(&self) -> &str {
        self.file.path().to_str().unwrap()
    }

    fn backend(&self) -> DevBackend {
        self.backend_with(Options::new())
    }

    fn backend_with(&self, options: Options) -> DevBackend {
        DevBackend::start(options.tls(self.config.clone())).unwrap()
    }

    /// A server at the port of one that has ended. Until it is there, another process may be given
    /// that port for a connection.
    async fn backend_at(&self, port: u16) -> DevBackend {
        let begun = Instant::now();
        loop {
            match DevBackend::start(Options::new().tls(self.config.clone()).port(port)) {
                Err(taken)
                    if taken.kind() == ErrorKind::AddrInUse && begun.elapsed() < PATIENCE =>
                {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                started => return started.unwrap(),
            }
        }
    }

    /// A program that trusts it and uses the backend at this address, and its host.
    async fn program(&self, url: &str, settings: &[&str]) -> (Server, Host) {
        let mut setup = Setup::default()
            .config(&mock_provider(url))
            .environment("CODEX_CA_CERTIFICATE", self.path());
        for setting in settings {
            setup = setup.argument("-c").argument(setting);
        }
        let mut server = setup.start();
        let host = Host::initialized(&mut server).await;
        (server, host)
    }

    /// The same, signed in.
    async fn signed_in(&self, url: &str) -> (Server, Host) {
        let (server, mut host) = self.program(url, &[]).await;
        login(&mut host, "ada").await;
        (server, host)
    }
}

async fn login(host: &mut Host, subject: &str) {
    let token = TestToken::new(subject).encode();
    host.login(&token, &format!("ws-{subject}")).await;
}

fn script(script: Value) -> Options {
    Options::new().script(Script::from_value(script).unwrap())
}

/// Waits until the connections are as expected.
async fn until(
    backend: &DevBackend,
    what: &str,
    expected: impl Fn(&Connections) -> bool,
) -> Connections {
    let poll = async {
        loop {
            let connections = backend.connections();
            if expected(&connections) {
                return connections;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, poll).await;
    waited.unwrap_or_else(|_| panic!("{what}: {:?}", backend.connections()))
}

/// Waits for so many handshakes, of which the last left a connection open.
async fn opened(backend: &DevBackend, handshakes: usize) -> Connections {
    let what = format!("{handshakes} handshakes");
    until(backend, &what, |it| {
        it.handshakes == handshakes && it.open > 0
    })
    .await
}

async fn limits(host: &mut Host) {
    host.request(LIMITS, json!({})).await.unwrap();
}
