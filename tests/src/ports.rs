//! The two ports of browser logins: one test at a time, over all processes.

use std::fs::File;

/// Held while a test uses the ports.
#[derive(Debug)]
pub struct LoginPorts(#[expect(dead_code, reason = "the lock ends with it")] File);

impl LoginPorts {
    /// Waits for the ports.
    ///
    /// # Panics
    ///
    /// When there is no folder for temporary files.
    pub async fn take() -> Self {
        let path = std::env::temp_dir().join("byokey-tests-login-ports.lock");
        let held = tokio::task::spawn_blocking(move || {
            let mut options = File::options();
            let file = options.create(true).truncate(false).write(true).open(path);
            let file = file.expect("a lock file");
            file.lock().expect("the lock");
            Self(file)
        });
        held.await.expect("the lock is taken")
    }

    /// Returns whether a process listens at a port of either family.
    #[must_use]
    pub fn is_open(port: u16) -> bool {
        ["127.0.0.1", "::1"]
            .iter()
            .any(|host| std::net::TcpStream::connect((*host, port)).is_ok())
    }
}
