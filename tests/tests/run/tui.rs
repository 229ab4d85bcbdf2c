//! The real codex in a terminal, by tmux.

use std::os::unix::net::UnixStream;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use byokey_dev_backend::Route;
use byokey_tests::byokey;
use byokey_tests::codex::program;
use rustix::process::{Pid, Signal, kill_process};

use super::codex::{PATIENCE, own_login, users_files};
use super::world::{World, outside, real_token};

/// A server of tmux of its own. It ends with this.
struct Tmux<'a> {
    world: &'a World,
    socket: String,
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        self.call(&["kill-server"]);
    }
}

impl<'a> Tmux<'a> {
    /// The name is its own in the world: a server that ends may still own its socket.
    fn new(world: &'a World, name: &str) -> Self {
        let folder = world.shared.folder.path();
        let socket = folder.join(format!("tmux-{name}")).display().to_string();
        Self { world, socket }
    }

    fn call(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("tmux");
        command.args(["-S", &self.socket, "-f", "/dev/null"]);
        command.args(arguments).output().unwrap()
    }

    /// Starts a command with the environment of the world in a window.
    fn start(&self, command: &tokio::process::Command) {
        let command = command.as_std();
        let variables = command
            .get_envs()
            .filter_map(|(name, value)| Some(format!("{}={}", name.to_str()?, value?.to_str()?)));
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words = words.map(|word| word.to_str().unwrap().to_owned());
        let all: Vec<_> = ["env".to_owned(), "-i".to_owned()]
            .into_iter()
            .chain(variables)
            .chain(words)
            .map(|word| format!("'{word}'"))
            .collect();
        let folder = self.world.home.path().to_str().unwrap();
        let line = all.join(" ");
        let arguments = [
            "new-session",
            "-d",
            "-x",
            "140",
            "-y",
            "45",
            "-c",
            folder,
            &line,
        ];
        let started = self.call(&arguments);
        assert!(started.status.success(), "{started:?}");
        self.call(&["set", "-g", "remain-on-exit", "on"]);
    }

    fn screen(&self) -> String {
        let shown = self.call(&["capture-pane", "-p", "-S", "-"]);
        String::from_utf8_lossy(&shown.stdout).into_owned()
    }

    /// Returns whether the command has ended. tmux shows that on the screen, too, but not always.
    fn has_ended(&self) -> bool {
        let shown = self.call(&["display-message", "-p", "#{pane_dead}"]);
        shown.stdout.starts_with(b"1")
    }

    /// Waits for these words on the screen.
    async fn wait_for(&self, words: &str) -> String {
        self.wait(words, |screen| screen.contains(words)).await
    }

    /// Waits for this. Returns the screen.
    async fn wait(&self, what: &str, mut is_there: impl FnMut(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let screen = self.screen();
            if is_there(&screen) {
                return screen;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "no {what:?}; the screen:\n{screen}"
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Types a line at the prompt. Submits it until this is there: codex takes an Enter right after
    /// other keys for a part of a paste, and may drop one while it starts.
    async fn submit(&self, line: &str, what: &str, is_there: impl Fn(&str) -> bool) -> String {
        self.wait("prompt", |screen| prompt(screen).is_some()).await;
        self.call(&["send-keys", "-l", line]);
        let is_there = |screen: &str| {
            if prompt(screen) == Some(line) {
                self.call(&["send-keys", "Enter"]);
            }
            is_there(screen)
        };
        self.wait(what, is_there).await
    }
}

/// Returns what is in the prompt. Above it are the prompts before.
fn prompt(screen: &str) -> Option<&str> {
    let mut lines = screen.lines().rev();
    lines.find_map(|line| line.strip_prefix('›')).map(str::trim)
}

/// What codex leaves behind: its daemon, and the updater of that, which no command of codex ends
/// for sure. All of it ends with this.
struct LeftBehind<'a>(&'a World);

impl LeftBehind<'_> {
    fn pids(&self) -> Vec<Pid> {
        let variable = format!("CODEX_HOME={}\0", self.0.codex_home().display());
        let has_it = |pid: &Pid| {
            let variables = std::fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero()));
            variables.is_ok_and(|it| String::from_utf8_lossy(&it).contains(&variable))
        };
        let all = std::fs::read_dir("/proc").unwrap();
        let all = all.filter_map(|it| it.ok()?.file_name().to_str()?.parse().ok());
        all.filter_map(Pid::from_raw).filter(has_it).collect()
    }
}

impl Drop for LeftBehind<'_> {
    fn drop(&mut self) {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let pids = self.pids();
            if pids.is_empty() {
                return;
            }
            for pid in pids {
                // It may have ended with another one.
                let _ = kill_process(pid, Signal::KILL);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Answers in codex's configuration what codex asks at its start, as it would note the answers
/// there. It counts the tips that it shows in that file, so it shows none.
fn answer_questions(world: &World) {
    let file = world.codex_home().join("config.toml");
    let before = std::fs::read_to_string(file).unwrap();
    let home = world.home.path().canonicalize().unwrap();
    world.configure(&format!(
        "{before}[tui]\nscreen_reader_detection_done = true\nshow_tooltips = false\n\
         [projects.{home:?}]\ntrust_level = \"trusted\"\n"
    ));
}

#[expect(clippy::print_stdout, reason = "skipped steps are reported")]
fn is_there() -> bool {
    // It knows no `--version`.
    let version = Command::new("tmux").arg("-V").output();
    let is_there = version.is_ok_and(|output| output.status.success());
    if !is_there {
        println!("SKIPPED: there is no tmux (apt-get install tmux)");
    }
    is_there
}

/// Asks for the status until it has these words: codex reads the limits in the background.
async fn status(tmux: &Tmux<'_>, words: &str) -> String {
    let begun = Instant::now();
    for count in 1.. {
        let is_shown = |screen: &str| screen.matches("Account:").count() >= count;
        let screen = tmux.submit("/status", "status", is_shown).await;
        if screen.contains(words) {
            return screen;
        }
        assert!(begun.elapsed() < PATIENCE, "no {words:?}:\n{screen}");
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    unreachable!()
}

// Row: codex on the login
#[tokio::test]
async fn status_shows_the_account_and_the_limits_and_a_logout_inside_deletes_nothing() {
    let Some(codex) = program().filter(|_| is_there()) else {
        return;
    };
    let world = World::signed_in().await;
    answer_questions(&world);
    let before = own_login(&world);
    let tmux = Tmux::new(&world, "run");
    let mut command = world.plain(byokey());
    command.args(["run", "--store", "file", "codex", "--no-alt-screen"]);
    outside(&mut command, &codex);
    tmux.start(&command);
    tmux.wait_for("OpenAI Codex").await;
    tmux.submit("say fjord", "answer", |it| {
        it.contains("You said: say fjord")
    })
    .await;
    // The words of one line; the address and "% left" alone are on the screen before.
    let screen = status(&tmux, "58% left").await;
    for words in [["Account:", "ada@example.com"], ["limit:", "58% left"]] {
        let mut lines = screen.lines();
        let is_there = lines.any(|line| words.iter().all(|it| line.contains(it)));
        assert!(is_there, "no line with {words:?}:\n{screen}");
    }
    assert!(!screen.contains("data not available"), "{screen}");
    for request in world.shared.backend.requests() {
        assert_eq!(request.bearer(), Some(real_token().as_str()));
    }
    tmux.submit("/logout", "end", |_| tmux.has_ended()).await;
    assert_eq!(users_files(&world), before);
}

// Row: codex on the login
#[tokio::test]
async fn a_daemon_of_codex_that_runs_already_is_not_used() {
    let Some(codex) = program().filter(|_| is_there()) else {
        return;
    };
    let world = World::signed_in().await;
    own_login(&world);
    answer_questions(&world);
    let _left_behind = LeftBehind(&world);
    // A plain codex starts its daemon, which stays.
    let tmux = Tmux::new(&world, "plain");
    let mut plain = world.plain(&codex);
    plain.arg("--no-alt-screen");
    outside(&mut plain, &codex);
    plain.env("NO_PROXY", "127.0.0.1");
    tmux.start(&plain);
    tmux.wait_for("OpenAI Codex").await;
    let socket = world
        .codex_home()
        .join("app-server-control/app-server-control.sock");
    let is_up = |_: &str| UnixStream::connect(&socket).is_ok();
    tmux.wait("daemon", is_up).await;
    drop(tmux);
    world.shared.backend.clear_requests();
    let tmux = Tmux::new(&world, "run");
    let mut command = world.plain(byokey());
    command.args([
        "run",
        "--store",
        "file",
        "codex",
        "--no-alt-screen",
        "say fjord",
    ]);
    outside(&mut command, &codex);
    tmux.start(&command);
    let backend = &world.shared.backend;
    let is_asked = |_: &str| backend.count(Route::Responses) > 0;
    tmux.wait("request", is_asked).await;
    let requests = backend.requests_to(Route::Responses);
    assert_eq!(requests[0].bearer(), Some(real_token().as_str()));
    assert!(is_up(""), "void: the daemon of codex has ended");
}
