//! Tokens from a command, run like git's credential helpers.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use byokey_protocol::external_auth::{ExternalTokens, RefreshParams, RefreshReason};
use byokey_protocol::open::Open;
use serde::Deserialize;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, oneshot};

use crate::error::ByokeyError;
use crate::process::read_log;
use crate::provider::{LOG_OF_THE_CLIENT, OnLog, ProviderError, TokenProvider, first_login};
use crate::redact::redact;

/// Less than the server's timeout of ten seconds.
const TIMEOUT: Duration = Duration::from_secs(8);

/// How long the rest of its standard error may take after its end.
const GRACE: Duration = Duration::from_millis(500);

/// How long before their expiry cached tokens are no longer used, in seconds.
const MARGIN: f64 = 60.0;

/// Returns a provider that runs this program with these arguments.
///
/// The program gets the reason and the account in `BYOKEY_REFRESH_REASON` and
/// `BYOKEY_PREVIOUS_ACCOUNT_ID`, and prints one JSON object: `accessToken`, `chatgptAccountId`, and
/// optionally `chatgptPlanType` and `expiresAt` in seconds since 1970. Its tokens are cached until
/// a minute before they expire, or until the backend refuses them. What it writes to standard error
/// goes to the `on_log` of the client that asks, line by line and redacted.
pub fn command_tokens<A: Into<OsString>>(
    program: impl Into<OsString>,
    arguments: impl IntoIterator<Item = A>,
) -> CommandTokens {
    CommandTokens {
        program: program.into(),
        arguments: arguments.into_iter().map(Into::into).collect(),
        timeout: TIMEOUT,
        environment: None,
        working_directory: None,
        on_log: None,
        kept: Mutex::new(None),
    }
}

/// The provider of [`command_tokens`].
pub struct CommandTokens {
    program: OsString,
    arguments: Vec<OsString>,
    timeout: Duration,
    environment: Option<Vec<(OsString, OsString)>>,
    working_directory: Option<PathBuf>,
    on_log: Option<OnLog>,
    kept: Mutex<Option<Printed>>,
}

impl fmt::Debug for CommandTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Arguments and environment may contain secrets.
        f.debug_struct("CommandTokens")
            .field("program", &self.program)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The printed tokens.
#[derive(Debug)]
struct Printed {
    tokens: ExternalTokens,
    expires_at: Option<f64>,
}

impl CommandTokens {
    /// Sets the timeout, instead of 8 seconds.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets its environment, instead of that of this process.
    #[must_use]
    pub fn environment<N: Into<OsString>, V: Into<OsString>>(
        mut self,
        environment: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let own = |(name, value): (N, V)| (name.into(), value.into());
        self.environment = Some(environment.into_iter().map(own).collect());
        self
    }

    /// Sets its working directory.
    #[must_use]
    pub fn working_directory(mut self, folder: impl Into<PathBuf>) -> Self {
        self.working_directory = Some(folder.into());
        self
    }

    /// Sets a function for the redacted lines of its standard error, instead of the `on_log` of the
    /// client that asks.
    #[must_use]
    pub fn on_log(mut self, on_log: impl Fn(String) + Send + Sync + 'static) -> Self {
        self.on_log = Some(Arc::new(on_log));
        self
    }

    /// Returns tokens for the first login, or the reason for a failure.
    ///
    /// # Errors
    ///
    /// [`ByokeyError::TokenProvider`].
    pub async fn ask(&self) -> Result<ExternalTokens, ByokeyError> {
        self.answer(first_login()).await
    }

    async fn answer(&self, request: RefreshParams) -> Result<ExternalTokens, ByokeyError> {
        let mut kept = self.kept.lock().await;
        if !kept.as_ref().is_some_and(|kept| is_good(kept, &request)) {
            *kept = None;
            *kept = Some(self.run(&request).await?);
        }
        let printed = kept.as_ref().map(|kept| duplicate(&kept.tokens));
        printed.ok_or_else(|| failed("has no tokens"))
    }

    async fn run(&self, request: &RefreshParams) -> Result<Printed, ByokeyError> {
        let of_the_client = LOG_OF_THE_CLIENT.try_with(Clone::clone).ok().flatten();
        let on_log = self.on_log.clone().or(of_the_client);
        let running = Running::start(self.command(request), on_log)?;
        let output = tokio::time::timeout(self.timeout, running.output())
            .await
            .map_err(|_| failed(format!("took longer than {:?}", self.timeout)))??;
        let (Ok(tokens), Ok(expiry)) = (
            serde_json::from_slice::<ExternalTokens>(&output),
            serde_json::from_slice::<Expiry>(&output),
        ) else {
            return Err(failed(
                "did not print one JSON object with `accessToken` and `chatgptAccountId`",
            ));
        };
        Ok(Printed {
            tokens,
            expires_at: expiry.expires_at,
        })
    }

    fn command(&self, request: &RefreshParams) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        if let Some(environment) = &self.environment {
            command.env_clear().envs(environment.iter().cloned());
        }
        if let Some(folder) = &self.working_directory {
            command.current_dir(folder);
        }
        let account = request.previous_account_id.as_deref();
        command
            .env("BYOKEY_REFRESH_REASON", reason(&request.reason))
            .env("BYOKEY_PREVIOUS_ACCOUNT_ID", account.unwrap_or_default())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        command
    }
}

impl TokenProvider for CommandTokens {
    async fn tokens(&self, request: RefreshParams) -> Result<ExternalTokens, ProviderError> {
        Ok(self.answer(request).await?)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Expiry {
    expires_at: Option<f64>,
}

/// A running command. Dropping it ends it with all its descendants.
struct Running {
    child: Child,
    on_log: Option<OnLog>,
}

impl Running {
    fn start(mut command: Command, on_log: Option<OnLog>) -> Result<Self, ByokeyError> {
        let child = command.spawn();
        let child =
            child.map_err(|error| failed(format!("cannot be started: {}", error.kind())))?;
        Ok(Self { child, on_log })
    }

    async fn output(mut self) -> Result<Vec<u8>, ByokeyError> {
        let (log, on_log) = (self.child.stderr.take(), self.on_log.take());
        let logging = async {
            if let Some(log) = log {
                read_log(log, |line| report(on_log.as_ref(), line)).await;
            }
        };
        let ending = async {
            let mut output = Vec::new();
            if let Some(stdout) = &mut self.child.stdout {
                let read = stdout.read_to_end(&mut output).await;
                read.map_err(|_| failed("could not be read"))?;
            }
            match self.child.wait().await {
                Ok(status) if status.success() => Ok(output),
                Ok(status) => Err(failed(format!("ended with {status}"))),
                Err(_) => Err(failed("could not be waited for")),
            }
        };
        let (has_ended, end) = oneshot::channel::<()>();
        let ending = async {
            let ended = ending.await;
            drop(has_ended);
            ended
        };
        // A descendant that goes on may hold the pipe open.
        let overdue = async {
            drop(end.await);
            tokio::time::sleep(GRACE).await;
        };
        let logging = async {
            tokio::select! {
                () = logging => {}
                () = overdue => {}
            }
        };
        tokio::join!(ending, logging).0
    }
}

fn report(on_log: Option<&OnLog>, line: &str) {
    if let Some(on_log) = on_log.filter(|_| !line.is_empty()) {
        on_log(format!("[token command] {}", redact(line)));
    }
}

#[cfg(unix)]
impl Drop for Running {
    fn drop(&mut self) {
        use rustix::process::{Pid, Signal, kill_process_group};

        // The id exists until the exit is awaited, so it cannot belong to another process.
        let group = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = group.and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

fn is_good(kept: &Printed, request: &RefreshParams) -> bool {
    let account = request.previous_account_id.as_ref();
    let same = account.is_none_or(|it| kept.tokens.chatgpt_account_id.as_ref() == Some(it));
    let fresh = match kept.expires_at {
        Some(expires_at) => now() < expires_at - MARGIN,
        // The server's word on the expiry takes precedence.
        None => request.reason != RefreshReason::Expiring,
    };
    same && fresh && request.reason != RefreshReason::Unauthorized
}

fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}

fn reason(reason: &Open<RefreshReason>) -> String {
    let text = serde_json::to_value(reason).unwrap_or_default();
    text.as_str().unwrap_or_default().to_owned()
}

fn duplicate(tokens: &ExternalTokens) -> ExternalTokens {
    ExternalTokens {
        access_token: tokens.access_token.duplicate(),
        chatgpt_account_id: tokens.chatgpt_account_id.clone(),
        chatgpt_plan_type: tokens.chatgpt_plan_type.clone(),
        id_token: None,
        workspace_routing: tokens.workspace_routing.clone(),
    }
}

fn failed(problem: impl Into<String>) -> ByokeyError {
    ByokeyError::TokenProvider {
        problem: problem.into(),
    }
}
