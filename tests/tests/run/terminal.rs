//! A terminal belongs to the command alone: Ctrl-C, Ctrl-Z, and what is printed there.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use byokey_tests::{PATIENCE, byokey};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::process::{Child, Command};

use super::world::{World, get};

/// A terminal with a command in it.
pub(crate) struct Terminal {
    ours: File,
    text: Arc<Mutex<Vec<u8>>>,
    pub(crate) child: Child,
}

impl Terminal {
    /// Starts a command as the leader of a session on a new terminal.
    pub(crate) fn start(command: &Command) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let size = Winsize {
            ws_row: 40,
            ws_col: 120,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&ours, size).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
        let theirs = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(name);
        let theirs: OwnedFd = theirs.unwrap().into();
        let command = command.as_std();
        let mut session = Command::new("setsid");
        session
            .args(["--ctty", "--wait"])
            .arg(command.get_program())
            .args(command.get_args())
            .env_clear()
            .envs(
                command
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .current_dir(command.get_current_dir().unwrap())
            .stdin(theirs.try_clone().unwrap())
            .stdout(theirs.try_clone().unwrap())
            .stderr(theirs)
            .kill_on_drop(true);
        let child = session.spawn().unwrap();
        drop(session);
        let text = Arc::<Mutex<Vec<u8>>>::default();
        let (mut reader, collected) = (File::from(ours.try_clone().unwrap()), Arc::clone(&text));
        // It ends with the terminal.
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                collected.lock().unwrap().extend_from_slice(&bytes[..count]);
            }
        });
        Self {
            ours: File::from(ours),
            text,
            child,
        }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap()).into_owned()
    }

    pub(crate) fn write(&mut self, text: &str) {
        self.ours.write_all(text.as_bytes()).unwrap();
    }

    /// Waits until the shell reads a line: what is typed before it has its terminal back can be lost.
    async fn wait_for_prompt(&self) {
        let begun = Instant::now();
        while !self.text().ends_with("> ") {
            assert!(begun.elapsed() < PATIENCE, "{}", self.text());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Has the shell run a line that prints this. While it takes its terminal back, a line can be
    /// lost, even behind the prompt; a user types it again.
    async fn run_line(&mut self, line: &str, words: &str) {
        let begun = Instant::now();
        loop {
            self.write(line);
            let typed = Instant::now();
            while typed.elapsed() < Duration::from_secs(2) {
                if self.text().contains(words) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "no {words:?} in {}",
                self.text()
            );
        }
    }

    /// Waits until the text has what was typed, and then what the command made of it.
    async fn wait_for_twice(&self, typed: &str) {
        let begun = Instant::now();
        while self.text().matches(typed).count() < 2 {
            assert!(begun.elapsed() < PATIENCE, "{}", self.text());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until the text has this.
    pub(crate) async fn wait_for(&self, words: &str) -> String {
        let begun = Instant::now();
        loop {
            let text = self.text();
            if text.contains(words) {
                return text;
            }
            assert!(begun.elapsed() < PATIENCE, "no {words:?} in {text:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

// Row: other programs on the login
#[tokio::test]
async fn ctrl_c_is_for_the_command_alone() {
    crate::signals_by_default();
    let world = World::signed_in().await;
    let script = "n=0; trap 'n=$((n+1)); echo got-$n' INT; echo \"url=$OPENAI_BASE_URL.\"; \
                  while [ $n -lt 9 ]; do sleep 0.05; done";
    let mut terminal = Terminal::start(&world.run(&["--", "sh", "-c", script]));
    let text = terminal.wait_for("/v1.").await;
    let url = text.split("url=").nth(1).unwrap();
    let url = url.split_once("/v1.").unwrap().0.to_owned();
    for count in 1..=2 {
        terminal.write("\u{3}");
        terminal.wait_for(&format!("got-{count}")).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        let text = terminal.text();
        assert!(!text.contains(&format!("got-{}", count + 1)), "{text}");
        assert!(get(&url, "x").await.is_some(), "the gateway still serves");
    }
    drop(terminal);
}

// Row: other programs on the login
#[tokio::test]
async fn a_shell_can_stop_the_command_and_go_on_with_it() {
    let world = World::signed_in().await;
    let mut shell = world.plain("bash");
    shell.args(["--norc", "--noprofile", "-i"]);
    let mut terminal = Terminal::start(&shell);
    terminal.write("PS1='> '\r");
    terminal.wait_for_prompt().await;
    let line = format!(
        "{} run --store file -- sh -c 'echo rea''dy; cat; exit 6'\r",
        byokey().display()
    );
    terminal.write(&line);
    terminal.wait_for("\nready").await;
    // Once `cat` runs: a shell that waits for its `vfork` cannot be stopped.
    terminal.write("first\r");
    terminal.wait_for_twice("first").await;
    terminal.write("\u{1a}");
    terminal.wait_for("Stopped").await;
    terminal.wait_for_prompt().await;
    terminal
        .run_line("echo in-the-''shell\r", "in-the-shell")
        .await;
    terminal.wait_for_prompt().await;
    terminal.write("fg\r");
    tokio::time::sleep(Duration::from_millis(200)).await;
    terminal.write("typed\r");
    terminal.wait_for_twice("typed").await;
    terminal.write("\u{4}");
    terminal.wait_for_prompt().await;
    terminal.run_line("echo code-''$?\r", "code-6").await;
    terminal.wait_for_prompt().await;
    terminal.write("exit\r");
    let ended = tokio::time::timeout(PATIENCE, terminal.child.wait()).await;
    ended.expect("the shell ends").unwrap();
}
