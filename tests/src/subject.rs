//! A program under examination: it is used like any other, and its memory is searched.

use std::time::Duration;

use byokey_dev_backend::DevBackend;
use serde_json::json;

use crate::made_up::Random;
use crate::{Framing, Host, MadeUp, Memory, Server, Setup, Traces, byokey_optimised};

/// How long after its end a secret may still be there.
const SOON: Duration = Duration::from_millis(100);
/// Most copies of a secret in use: the stored one, and the one in a header on its way.
const IN_USE: usize = 2;

/// A program under examination.
#[derive(Debug)]
pub struct Subject {
    /// The program.
    pub server: Server,
    /// Its host, introduced.
    pub host: Host,
    /// A text that the program keeps. Memory without it was not read properly.
    marker: String,
}

impl Subject {
    /// A program that uses this backend, and a host that speaks JSON lines.
    pub async fn new(backend: &DevBackend) -> Self {
        Self::start(Setup::default().backend(backend), Framing::Lines).await
    }

    /// A program set up like this, and a host that speaks in this framing.
    pub async fn start(setup: Setup, framing: Framing) -> Self {
        let setup = if rustix::process::geteuid().is_root() {
            setup
        } else {
            // Others than root are kept out, which is what another test is for.
            setup.argument("--allow-debug")
        };
        let mut server = setup.program(byokey_optimised()).start();
        let mut host = Host::framed(&mut server, framing);
        let process = server.pid();
        let marker = format!("marker-{}", Random::of(&process.to_string()).text(24));
        host.introduce(&marker, json!({})).await;
        Self {
            server,
            host,
            marker,
        }
    }

    /// Reads its memory now.
    ///
    /// # Panics
    ///
    /// When the marker is not found: the search proves nothing then.
    #[must_use]
    pub fn memory(&self) -> Memory {
        let memory = Memory::of(self.server.pid()).expect("the memory of the program is readable");
        assert!(
            memory.holds(&self.marker),
            "void: the marker was not found in {} bytes",
            memory.size()
        );
        memory
    }

    /// Fails unless a secret is held, and in few copies.
    ///
    /// # Panics
    ///
    /// When it is not.
    pub fn assert_in_use(&self, secret: &MadeUp, when: &str) -> Traces {
        let traces = self.memory().traces(secret);
        assert!(
            (1..=IN_USE).contains(&traces.full),
            "{when}: {traces:?}, at most {IN_USE} copies are meant to be there"
        );
        println!("{when}: {} in use", traces.full);
        traces
    }

    /// Fails if anything of a secret is left, soon after its end.
    ///
    /// # Panics
    ///
    /// When there is.
    pub async fn assert_gone(&self, secret: &MadeUp, when: &str) {
        self.assert_all_gone(std::slice::from_ref(secret), when)
            .await;
    }

    /// Fails if anything of some secrets is left, soon after their end.
    ///
    /// # Panics
    ///
    /// When there is.
    pub async fn assert_all_gone(&self, secrets: &[MadeUp], when: &str) {
        tokio::time::sleep(SOON).await;
        let traces = self.memory().traces_of_all(secrets);
        let lengths: Vec<_> = secrets.iter().map(|secret| secret.text.len()).collect();
        assert_eq!(traces, Traces::NONE, "{when}: secrets of {lengths:?} bytes");
        println!("{when}: none left of {}", secrets.len());
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
