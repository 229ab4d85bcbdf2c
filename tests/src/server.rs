//! The spawned program.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use byokey_dev_backend::DevBackend;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use crate::{Canaries, Home, PATIENCE, byokey};

/// Options for starting the program.
#[derive(Debug, Default)]
pub struct Setup {
    config: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    stdin: Option<Stdio>,
    stdout: Option<Stdio>,
    stderr: Option<Stdio>,
    program: Option<PathBuf>,
    wrapper: Vec<String>,
}

impl Setup {
    /// Uses another build of the program.
    #[must_use]
    pub fn program(mut self, program: PathBuf) -> Self {
        self.program = Some(program);
        self
    }

    /// Starts the program through another one: `strace`, for example.
    #[must_use]
    pub fn wrapper(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(|word| (*word).to_owned()).collect();
        self
    }

    /// Adds settings to `config.toml`.
    #[must_use]
    pub fn config(mut self, toml: &str) -> Self {
        self.config.push_str(toml);
        self.config.push('\n');
        self
    }

    /// Routes everything to this backend, without retries: ChatGPT accounts and API keys.
    #[must_use]
    pub fn backend(self, backend: &DevBackend) -> Self {
        self.config(&mock_provider(&backend.base_url()))
    }

    /// Returns the text of `config.toml`.
    #[must_use]
    pub fn settings(&self) -> &str {
        &self.config
    }

    /// Adds an argument after `app-server`.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs a shell command before the program replaces the shell, such as `ulimit`.
    #[must_use]
    pub fn after(self, command: &str) -> Self {
        self.wrapper(&["/bin/sh", "-c", &format!("{command}; exec \"$0\" \"$@\"")])
    }

    /// Sets the limit of locked memory (mlock) for the program, in KiB, root or not.
    #[must_use]
    pub fn locked_memory(self, limit: u32) -> Self {
        let limited = format!("ulimit -l {limit}; exec \"$0\" \"$@\"");
        let shell = ["/bin/sh", "-c", &limited];
        let without_privilege = [
            "setpriv",
            "--bounding-set=-ipc_lock",
            "--inh-caps=-ipc_lock",
        ];
        if rustix::process::geteuid().is_root() {
            self.wrapper(&[&without_privilege[..], &shell].concat())
        } else {
            self.wrapper(&shell)
        }
    }

    /// Sets the input, in place of a pipe.
    #[must_use]
    pub fn stdin(mut self, stdin: impl Into<Stdio>) -> Self {
        self.stdin = Some(stdin.into());
        self
    }

    /// Sets the output, in place of a pipe.
    #[must_use]
    pub fn stdout(mut self, stdout: impl Into<Stdio>) -> Self {
        self.stdout = Some(stdout.into());
        self
    }

    /// Sets the destination of the log, in place of [`Server::log`].
    #[must_use]
    pub fn stderr(mut self, stderr: impl Into<Stdio>) -> Self {
        self.stderr = Some(stderr.into());
        self
    }

    /// Starts the program in a home of its own, with an otherwise empty environment.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn start(self) -> Server {
        let home = Home::new(&self.config);
        let program = self.program.unwrap_or_else(byokey);
        let wrapper = self.wrapper.into_iter().map(OsString::from);
        let words: Vec<_> = wrapper.chain([program.into()]).collect();
        // A login without a backend of ours would open a connection to the real one.
        let has_backend = self.config.contains("base_url")
            || self.arguments.iter().any(|it| it.contains("base_url"));
        let quiet = [
            "-c",
            "byokey.standby_connections=false",
            "-c",
            "byokey.workspace_routing=false",
        ];
        let mut child = Command::new(&words[0])
            .args(&words[1..])
            .arg("app-server")
            .args(&self.arguments)
            .args(quiet.iter().filter(|_| !has_backend))
            .env_clear()
            .env("HOME", home.path())
            .env("RUST_LOG", "trace")
            .envs(self.environment)
            .current_dir(home.path())
            .stdin(self.stdin.unwrap_or_else(Stdio::piped))
            .stdout(self.stdout.unwrap_or_else(Stdio::piped))
            .stderr(self.stderr.unwrap_or_else(Stdio::piped))
            .kill_on_drop(true)
            .spawn()
            .expect("byokey starts");
        // Dropping the command closes our ends of passed descriptors.
        let log = Arc::<Mutex<Vec<u8>>>::default();
        let (stderr, collected) = (child.stderr.take(), Arc::clone(&log));
        let collecting = tokio::spawn(async move {
            let Some(mut stderr) = stderr else { return };
            let mut chunk = vec![0; 4096];
            while let Ok(count @ 1..) = stderr.read(&mut chunk).await {
                collected.lock().unwrap().extend_from_slice(&chunk[..count]);
            }
        });
        Server {
            child,
            home,
            canaries: Canaries::default(),
            log,
            collecting,
        }
    }
}

/// Returns settings that route everything to the backend at this URL, without retries.
#[must_use]
pub fn mock_provider(url: &str) -> String {
    format!(
        r#"
model = "mock-model"
model_provider = "mock"
chatgpt_base_url = "{url}/backend-api"
[model_providers.mock]
name = "Mock"
base_url = "{url}/v1"
wire_api = "responses"
requires_openai_auth = true
request_max_retries = 0
stream_max_retries = 0
"#
    )
}

/// The spawned program. It is killed by its id on drop.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Its home folder.
    pub home: Home,
    /// The secrets that it was given.
    pub canaries: Canaries,
    log: Arc<Mutex<Vec<u8>>>,
    collecting: JoinHandle<()>,
}

impl Server {
    /// Starts the program with the defaults.
    #[must_use]
    pub fn start() -> Self {
        Setup::default().start()
    }

    /// Returns its id.
    ///
    /// # Panics
    ///
    /// When it has ended.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id().expect("the program runs")
    }

    /// Returns its input and output; once.
    ///
    /// # Panics
    ///
    /// When they were taken.
    pub fn pipes(&mut self) -> (ChildStdin, ChildStdout) {
        (
            self.child.stdin.take().expect("stdin"),
            self.child.stdout.take().expect("stdout"),
        )
    }

    /// Sends it SIGTERM.
    ///
    /// # Panics
    ///
    /// When it has ended.
    pub fn terminate(&self) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("an id"), Signal::TERM).expect("the program runs");
    }

    /// Kills it.
    ///
    /// # Panics
    ///
    /// When it has ended.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("the program runs");
    }

    /// Waits for its exit, and returns its exit code; `None` if a signal ended it.
    ///
    /// # Panics
    ///
    /// When it does not end in time.
    pub async fn exit_code(&mut self) -> Option<i32> {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended
            .expect("the program ends in time")
            .expect("its status")
            .code()
    }

    /// Returns its standard error so far.
    ///
    /// # Panics
    ///
    /// When the collecting task panicked.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().unwrap()).into_owned()
    }

    /// Returns its standard error, once it contains these words. They may arrive later than other
    /// effects.
    ///
    /// # Panics
    ///
    /// When they do not arrive in time.
    pub async fn log_with(&self, words: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let log = self.log();
            if log.contains(words) {
                return log;
            }
            assert!(Instant::now() < deadline, "no \"{words}\" in: {log}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Returns its whole standard error, after its exit.
    ///
    /// # Panics
    ///
    /// When it does not end in time.
    pub async fn whole_log(&mut self) -> String {
        let ended = tokio::time::timeout(PATIENCE, &mut self.collecting).await;
        ended.expect("the program ends in time").unwrap();
        self.log()
    }
}

impl Drop for Server {
    /// Every test ends with a search of the log for the secrets that it sent.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.canaries.check_text("standard error", &self.log());
        }
    }
}
