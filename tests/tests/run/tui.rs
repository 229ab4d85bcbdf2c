//! The real codex in a terminal, by tmux.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use byokey_dev_backend::Route;
use byokey_tests::codex::program;
use byokey_tests::{byokey, tools};

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
    fn new(world: &'a World) -> Self {
        let socket = world
            .shared
            .folder
            .path()
            .join("tmux")
            .display()
            .to_string();
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
        let shown = self.call(&["capture-pane", "-p", "-S", "-200"]);
        String::from_utf8_lossy(&shown.stdout).into_owned()
    }

    /// Waits for these words on the screen.
    async fn wait_for(&self, words: &str) -> String {
        let begun = Instant::now();
        loop {
            let screen = self.screen();
            if screen.contains(words) {
                return screen;
            }
            // Questions before the first prompt are answered as proposed.
            if screen.contains("Do you trust") || screen.contains("Press enter to continue") {
                self.call(&["send-keys", "Enter"]);
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "no {words:?} on the screen:\n{screen}"
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Types a line.
    async fn type_line(&self, text: &str) {
        self.call(&["send-keys", "-l", text]);
        tokio::time::sleep(Duration::from_millis(700)).await;
        self.call(&["send-keys", "Enter"]);
    }
}

#[expect(clippy::print_stdout, reason = "skipped steps are reported")]
fn is_there() -> bool {
    let is_there = tools::has("tmux");
    if !is_there {
        println!("SKIPPED: there is no tmux (apt-get install tmux)");
    }
    is_there
}

// Row: codex on the login
#[tokio::test]
async fn status_shows_the_account_and_the_limits_and_a_logout_inside_deletes_nothing() {
    let Some(codex) = program().filter(|_| is_there()) else {
        return;
    };
    let world = World::signed_in().await;
    // Otherwise codex itself adds this to the file.
    let url = world.shared.backend.base_url();
    world.configure(&format!(
        "chatgpt_base_url = \"{url}/backend-api\"\n[tui]\nscreen_reader_detection_done = true\n"
    ));
    let before = own_login(&world);
    let tmux = Tmux::new(&world);
    let mut command = world.plain(byokey());
    command.args(["run", "--store", "file", "codex", "--no-alt-screen"]);
    outside(&mut command, &codex);
    tmux.start(&command);
    tmux.wait_for("OpenAI Codex").await;
    tmux.type_line("say fjord").await;
    let begun = Instant::now();
    while world.shared.backend.count(Route::Responses) == 0 {
        assert!(begun.elapsed() < PATIENCE, "{}", tmux.screen());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tmux.wait_for("You said: say fjord").await;
    tmux.type_line("/status").await;
    // The words of one line; the address and "% left" alone are on the screen before.
    let screen = tmux.wait_for("58% left").await;
    for words in [["Account:", "ada@example.com"], ["limit:", "58% left"]] {
        let mut lines = screen.lines();
        let is_there = lines.any(|line| words.iter().all(|it| line.contains(it)));
        assert!(is_there, "no line with {words:?}:\n{screen}");
    }
    assert!(!screen.contains("data not available"), "{screen}");
    for request in world.shared.backend.requests() {
        assert_eq!(request.bearer(), Some(real_token().as_str()));
    }
    tmux.type_line("/logout").await;
    let begun = Instant::now();
    while !tmux.screen().contains("Pane is dead") {
        assert!(begun.elapsed() < PATIENCE, "{}", tmux.screen());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
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
    // A plain codex starts its daemon, which stays.
    let tmux = Tmux::new(&world);
    let mut plain = world.plain(&codex);
    plain.arg("--no-alt-screen");
    outside(&mut plain, &codex);
    plain.env("NO_PROXY", "127.0.0.1");
    tmux.start(&plain);
    tmux.wait_for("OpenAI Codex").await;
    let socket = world
        .codex_home()
        .join("app-server-control/app-server-control.sock");
    let begun = Instant::now();
    while !socket.exists() && begun.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let has_daemon = socket.exists();
    drop(tmux);
    world.shared.backend.clear_requests();
    let tmux = Tmux::new(&world);
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
    let begun = Instant::now();
    while world.shared.backend.count(Route::Responses) == 0 {
        assert!(begun.elapsed() < PATIENCE, "{}", tmux.screen());
        tmux.wait_for("").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let requests = world.shared.backend.requests_to(Route::Responses);
    assert_eq!(requests[0].bearer(), Some(real_token().as_str()));
    drop(tmux);
    let mut end = world.plain(&codex);
    end.args(["app-server", "daemon", "stop"]);
    drop(super::world::ended_within(end, PATIENCE).await);
    assert!(has_daemon, "void: codex started no daemon");
}
