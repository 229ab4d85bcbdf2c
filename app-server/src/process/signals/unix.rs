//! SIGTERM, SIGINT and SIGHUP.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end the program.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Installs the handlers, within a runtime.
    ///
    /// # Errors
    ///
    /// When the system refuses, or outside a runtime.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for any of them. Of several, an urgent one is consumed: it must not count twice.
    pub async fn any(&mut self) {
        tokio::select! {
            biased;
            () = wait(&mut self.terminate) => {}
            () = wait(&mut self.interrupt) => {}
            () = wait(&mut self.hangup) => {}
        }
    }

    /// Waits for a deliberate one: closing a terminal may send several SIGHUPs.
    pub async fn urgent(&mut self) {
        tokio::select! {
            () = wait(&mut self.terminate) => {}
            () = wait(&mut self.interrupt) => {}
        }
    }
}

async fn wait(signal: &mut Signal) {
    if signal.recv().await.is_none() {
        std::future::pending().await
    }
}
