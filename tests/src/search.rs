//! Searches the memory of one program for secrets.

use std::time::Duration;

use serde_json::json;

use crate::fake_secrets::Random;
use crate::{Host, MadeUp, Memory, Setup, Traces, byokey_optimised};

/// How long after its end a secret may remain.
const SOON: Duration = Duration::from_millis(100);
/// Most copies of a secret in use: the stored one, and the sent one.
const IN_USE: usize = 2;

/// Configures the shipped program, readable by us.
#[must_use]
pub fn searchable(setup: Setup) -> Setup {
    let setup = setup.program(byokey_optimised());
    if rustix::process::geteuid().is_root() {
        setup
    } else {
        // Only root may read a protected one, which another test checks.
        setup.argument("--allow-debug")
    }
}

/// Searches the memory of one program.
#[derive(Debug)]
pub struct Search {
    pid: u32,
    /// A text that the program keeps. Without it the memory was not read properly.
    marker: String,
}

impl Search {
    /// Plants a marker in the program with that id, as the name in its handshake.
    pub async fn begin(pid: u32, host: &mut Host) -> Self {
        let random = Random::of(&pid.to_string()).text(24);
        let marker = format!("marker-{random}");
        host.introduce(&marker, json!({})).await;
        Self { pid, marker }
    }

    /// Reads the memory now.
    ///
    /// # Panics
    ///
    /// When the marker is not found: the search would prove nothing.
    #[must_use]
    pub fn memory(&self) -> Memory {
        let memory = Memory::of(self.pid).expect("the memory of the program is readable");
        assert!(
            memory.holds(&self.marker),
            "void: the marker was not found in {} bytes",
            memory.size()
        );
        memory
    }

    /// Fails unless a secret is present, in few copies.
    ///
    /// # Panics
    ///
    /// When it is not.
    pub fn assert_in_use(&self, secret: &MadeUp, when: &str) -> Traces {
        self.assert_all_in_use(std::slice::from_ref(secret), when)
    }

    /// Fails unless all these secrets are present, each in few copies. Returns the traces of the
    /// last.
    ///
    /// # Panics
    ///
    /// When they are not.
    pub fn assert_all_in_use(&self, secrets: &[MadeUp], when: &str) -> Traces {
        let memory = self.memory();
        let mut traces = Traces::NONE;
        for secret in secrets {
            traces = memory.traces(secret);
            assert!(
                (1..=IN_USE).contains(&traces.full),
                "{when}: {traces:?} of {}, at most {IN_USE} copies are meant to be there",
                secret.kind
            );
            println!("{when}: {} of {} in use", traces.full, secret.kind);
        }
        traces
    }

    /// Fails if a trace of a secret remains soon after its end.
    ///
    /// # Panics
    ///
    /// When it does.
    pub async fn assert_gone(&self, secret: &MadeUp, when: &str) {
        self.assert_all_gone(std::slice::from_ref(secret), when)
            .await;
    }

    /// Fails if a trace of these secrets remains soon after their end.
    ///
    /// # Panics
    ///
    /// When it does.
    pub async fn assert_all_gone(&self, secrets: &[MadeUp], when: &str) {
        tokio::time::sleep(SOON).await;
        let memory = self.memory();
        if memory.traces_of_all(secrets) != Traces::NONE {
            for secret in secrets {
                let traces = memory.traces(secret);
                let (kind, length) = (secret.kind, secret.text.len());
                assert_eq!(traces, Traces::NONE, "{when}: {kind}, {length} bytes");
            }
        }
        println!("{when}: none left of {}", secrets.len());
    }
}
