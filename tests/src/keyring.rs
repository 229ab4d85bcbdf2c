//! A real keyring for one program: gnome-keyring on a message bus of its own.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

use crate::{Server, Setup, byokey_optimised};

/// Starts an unlocked keyring, runs the program beside it, and ends the keyring.
const SESSION: &str = r#"
export XDG_RUNTIME_DIR="$HOME"
printf made-up-password | gnome-keyring-daemon --foreground --unlock --components=secrets >/dev/null 2>&1 &
keyring=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  dbus-send --session --print-reply --dest=org.freedesktop.DBus /org/freedesktop/DBus \
    org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets 2>/dev/null \
    | grep -q "boolean true" && break
  sleep 0.1
done
"$0" "$@"
code=$?
kill "$keyring"
exit "$code"
"#;

/// Longest process name that the system stores.
const NAME: usize = 15;

/// Returns whether there is no keyring to test with, after reporting it.
#[must_use]
pub fn is_missing() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_installed =
        |program: &str| std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    let missing = ["dbus-run-session", "dbus-send", "gnome-keyring-daemon"]
        .into_iter()
        .find(|program| !is_installed(program));
    if let Some(program) = missing {
        println!("SKIPPED: {program} is not installed; tests/keyring/setup.sh installs it");
    }
    missing.is_some()
}

/// Runs the program beside a keyring.
#[must_use]
pub fn beside(setup: Setup) -> Setup {
    let path = std::env::var("PATH").unwrap_or_default();
    setup
        .environment("PATH", &path)
        .wrapper(&["dbus-run-session", "--", "sh", "-c", SESSION])
}

/// A session with a program in it. All its processes end on drop.
#[derive(Debug)]
pub struct Session(u32);

impl Session {
    /// Returns the session of this server.
    #[must_use]
    pub fn of(server: &Server) -> Self {
        Self(server.pid())
    }

    /// Returns the id of the program in it, which is the shipped one.
    ///
    /// # Panics
    ///
    /// When it is not running.
    #[must_use]
    pub fn program(&self) -> u32 {
        let below = below(self.0);
        let path = byokey_optimised();
        let name = path.file_name().expect("a program has a name");
        let name = name.to_string_lossy();
        // The system truncates longer names.
        let name = name.get(..NAME).unwrap_or(&name);
        let is_program = |pid: &&u32| {
            stat(Path::new(&format!("/proc/{pid}"))).is_some_and(|(found, _)| found == name)
        };
        *below.iter().find(is_program).expect("the program runs")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for pid in below(self.0) {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                // It may have ended with another one.
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}

/// Returns the descendants of this process.
fn below(pid: u32) -> Vec<u32> {
    let children = |parent: u32| -> Vec<u32> {
        let entries = std::fs::read_dir("/proc").expect("there are processes");
        entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let pid = entry.file_name().to_str()?.parse().ok()?;
                (stat(&entry.path())?.1 == parent).then_some(pid)
            })
            .collect()
    };
    let mut found = children(pid);
    let mut at = 0;
    while at < found.len() {
        found.extend(children(found[at]));
        at += 1;
    }
    found
}

/// Returns the name of a process and the id of its parent.
fn stat(folder: &Path) -> Option<(String, u32)> {
    let text = std::fs::read_to_string(folder.join("stat")).ok()?;
    let (_, rest) = text.split_once('(')?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let parent = rest.split(' ').nth(1)?.parse().ok()?;
    Some((name.to_owned(), parent))
}
