//! A program under test, with a search of its memory.

use byokey_dev_backend::DevBackend;
use serde_json::json;

use crate::search::{Search, searchable};
use crate::{Framing, Host, MadeUp, Memory, Server, Setup, Traces, Way};

/// A program under test.
#[derive(Debug)]
pub struct Subject {
    /// The program.
    pub server: Server,
    /// Its host, after the handshake.
    pub host: Host,
    search: Search,
}

impl Subject {
    /// Starts a program that uses this backend, and a host with JSON lines.
    pub async fn new(backend: &DevBackend) -> Self {
        Self::start(Setup::default().backend(backend), Framing::Lines).await
    }

    /// Starts a program with this setup, and a host with this transport.
    pub async fn start(setup: Setup, way: impl Into<Way>) -> Self {
        let (server, mut host) = way.into().start(searchable(setup)).await;
        let search = Search::begin(server.pid(), &mut host).await;
        Self {
            server,
            host,
            search,
        }
    }

    /// See [`Search::memory`].
    #[must_use]
    pub fn memory(&self) -> Memory {
        self.search.memory()
    }

    /// See [`Search::assert_in_use`].
    pub fn assert_in_use(&self, secret: &MadeUp, when: &str) -> Traces {
        self.search.assert_in_use(secret, when)
    }

    /// See [`Search::assert_all_in_use`].
    pub fn assert_all_in_use(&self, secrets: &[MadeUp], when: &str) {
        self.search.assert_all_in_use(secrets, when);
    }

    /// See [`Search::assert_gone`].
    pub async fn assert_gone(&self, secret: &MadeUp, when: &str) {
        self.search.assert_gone(secret, when).await;
    }

    /// See [`Search::assert_all_gone`].
    pub async fn assert_all_gone(&self, secrets: &[MadeUp], when: &str) {
        self.search.assert_all_gone(secrets, when).await;
    }

    /// Logs in with tokens.
    pub async fn login(&mut self, token: &MadeUp) {
        self.host.login(&token.text, "ws-made-up").await;
    }

    /// Logs out.
    ///
    /// # Panics
    ///
    /// When that is refused.
    pub async fn logout(&mut self) {
        let answer = self.host.request("account/logout", json!({})).await;
        answer.expect("the logout is answered");
    }
}
