//! Console events: Ctrl-C, Ctrl-Break, closing and shutdown.

use std::io;

use tokio::signal::windows::{
    CtrlBreak, CtrlC, CtrlClose, CtrlLogoff, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close,
    ctrl_logoff, ctrl_shutdown,
};

/// The signals that end the program.
#[derive(Debug)]
pub struct Signals {
    interrupt: CtrlC,
    stop: CtrlBreak,
    close: CtrlClose,
    logoff: CtrlLogoff,
    shutdown: CtrlShutdown,
}

impl Signals {
    /// Installs the handlers, within a runtime.
    ///
    /// # Errors
    ///
    /// When the system refuses, or outside a runtime.
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: ctrl_c()?,
            stop: ctrl_break()?,
            close: ctrl_close()?,
            logoff: ctrl_logoff()?,
            shutdown: ctrl_shutdown()?,
        })
    }

    /// Waits for any of them. Of several, an urgent one is consumed: it must not count twice.
    pub async fn any(&mut self) {
        tokio::select! {
            biased;
            Some(()) = self.close.recv() => {}
            Some(()) = self.logoff.recv() => {}
            Some(()) = self.shutdown.recv() => {}
            Some(()) = self.interrupt.recv() => {}
            Some(()) = self.stop.recv() => {}
            else => std::future::pending().await,
        }
    }

    /// Waits for a deliberate one.
    pub async fn urgent(&mut self) {
        tokio::select! {
            Some(()) = self.interrupt.recv() => {}
            Some(()) = self.stop.recv() => {}
            else => std::future::pending().await,
        }
    }
}
