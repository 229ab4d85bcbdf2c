//! Every request is answered, whatever faults occur around the server. One test each.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(
    clippy::print_stdout,
    reason = "figures and skipped checks are for people to read"
)]

mod backend;
mod end_of_input;
mod interruptions;
mod limits;
mod readers;
mod signals;
mod streams;

use std::time::{Duration, Instant};

use byokey_dev_backend::{DevBackend, Options, TestToken};
use byokey_tests::{Host, Server, Setup};

const LIMITS: &str = "account/rateLimits/read";
const REFRESH: &str = "account/chatgptAuthTokens/refresh";

/// A backend, the server, and a logged-in host.
struct Stage {
    backend: DevBackend,
    server: Server,
    host: Host,
    token: String,
}

impl Stage {
    async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    async fn with(setup: Setup) -> Self {
        let backend = DevBackend::start(Options::new()).unwrap();
        let mut server = setup.backend(&backend).start();
        let mut host = Host::initialized(&mut server).await;
        let token = TestToken::new("ada").encode();
        host.login(&token, "ws-1").await;
        Self {
            backend,
            server,
            host,
            token,
        }
    }

    /// Expects the server to exit by itself with code 0, within this time from `since`.
    async fn ends_within(&mut self, promised: Duration, since: Instant) {
        assert_eq!(self.server.exit_code().await, Some(0));
        let took = since.elapsed();
        assert!(took <= promised, "it took {took:?}");
    }
}
