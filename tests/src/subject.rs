//! A program under examination: it is used like any other, and its memory is searched.

use byokey_dev_backend::DevBackend;
use serde_json::json;

use crate::search::{Search, searchable};
use crate::{Framing, Host, MadeUp, Memory, Server, Setup, Traces, Way};

/// A program under examination.
#[derive(Debug)]
pub struct Subject {
    /// The program.
    pub server: Server,
    /// Its host, introduced.
    pub host: Host,
    search: Search,
}

impl Subject {
    /// A program that uses this backend, and a host that speaks JSON lines.
    pub async fn new(backend: &DevBackend) -> Self {
        Self::start(Setup::default().backend(backend), Framing::Lines).await
    }

    /// A program set up like this, and a host that speaks with it in this way.
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

    /// Signs in with tokens.
    pub async fn login(&mut self, token: &MadeUp) {
        self.host.login(&token.text, "ws-made-up").await;
    }

    /// Signs out.
    ///
    /// # Panics
    ///
    /// When that is refused.
    pub async fn logout(&mut self) {
        let answer = self.host.request("account/logout", json!({})).await;
        answer.expect("the logout is answered");
    }
}
