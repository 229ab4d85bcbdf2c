//! `byokey login`.

use std::io::{BufRead as _, BufReader, IsTerminal as _};
use std::process::ExitCode;
use std::sync::Arc;

use byokey_app_server::config::Environment;
use byokey_app_server::server::services::Services;
use byokey_auth::login;
use byokey_auth::{ApiKey, LoginRefusal, OwnCredential, OwnLoginFailure};
use byokey_protocol::initialize::HardeningReport;
use byokey_protocol::secret::Secret;
use clap::Args;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Common;
use super::browser::Openers;
use super::command::{CommandContext, NoSecret, read_secret, tell, unbuffered_input};
use super::report::printable;
use super::waiting::shown_until;

/// Options of `byokey login`.
#[derive(Debug, Args)]
#[cfg_attr(feature = "help", command(after_help = super::examples::LOGIN))]
pub(crate) struct Login {
    /// Log in on another device, by entering a code there.
    #[arg(long, group = "way")]
    device_auth: bool,
    /// Read an OpenAI API key from standard input.
    #[arg(long, group = "way")]
    with_api_key: bool,
    /// Read a personal access token from standard input.
    #[arg(long, group = "way")]
    with_access_token: bool,
    /// Do not open a browser; the address to open is printed.
    #[arg(long, group = "way")]
    no_browser: bool,
    #[command(flatten)]
    common: Common,
}

impl Login {
    pub(crate) fn run(
        self,
        common: Common,
        environment: &Environment,
        hardening: HardeningReport,
    ) -> ExitCode {
        let openers = (!self.no_browser).then(|| Openers::of(environment));
        let context = match CommandContext::new(common.and(self.common), environment, hardening) {
            Ok(context) => context,
            Err(code) => return code,
        };
        if let Some(code) = context.refused() {
            return code;
        }
        if self.with_api_key {
            return match secret("API key", "with-api-key", "OPENAI_API_KEY") {
                Ok(key) => context.run(|services| with_api_key(services, key)),
                Err(code) => code,
            };
        }
        if self.with_access_token {
            return match secret("access token", "with-access-token", "CODEX_ACCESS_TOKEN") {
                Ok(token) => context.run(|services| with_access_token(services, token)),
                Err(code) => code,
            };
        }
        if self.device_auth {
            return context.run(on_another_device);
        }
        context.run(move |services| in_browser(services, openers))
    }
}

/// Reads a secret, and states how to pass it if there is none.
fn secret(what: &str, option: &str, variable: &str) -> Result<Secret, ExitCode> {
    tell(&format!("Reading {what} from stdin..."));
    read_secret().map_err(|none| {
        tell(&match none {
            NoSecret::Empty => format!("No {what} provided via stdin."),
            NoSecret::Unreadable(error) => format!("cannot read the {what} from stdin: {error}"),
            NoSecret::Terminal => format!(
                "--{option} expects the {what} on stdin. Try piping it, e.g. \
                 `printenv {variable} | byokey login --{option}`."
            ),
        });
        ExitCode::FAILURE
    })
}

async fn with_api_key(services: Arc<Services>, key: Secret) -> ExitCode {
    let auth = &services.auth;
    let done = match ApiKey::new(key) {
        Ok(key) => {
            auth.login_own(OwnCredential::ApiKey(key), auth.begin_login(None))
                .await
        }
        Err(invalid) => Err(OwnLoginFailure::Refused(LoginRefusal::Invalid(invalid))),
    };
    ended(&services, "Error logging in", done.err())
}

async fn with_access_token(services: Arc<Services>, token: Secret) -> ExitCode {
    let auth = &services.auth;
    if let Err(failure) = auth.check_store().await {
        return ended(
            &services,
            "Error logging in with access token",
            Some(failure),
        );
    }
    let login = auth.begin_login(None);
    let done = async {
        auth.check_personal_login()?;
        let credential = auth.introspect(token).await?;
        auth.login_own(credential, login).await
    };
    let failure = done.await.err();
    ended(&services, "Error logging in with access token", failure)
}

async fn on_another_device(services: Arc<Services>) -> ExitCode {
    let what = "Error logging in with device code";
    match services
        .logins
        .start_device(services.logins.arrive(None))
        .await
    {
        Err(failure) => ended(&services, what, Some(failure)),
        Ok(started) => {
            tell(&format!(
                "Open this page on any device and sign in:\n\n    {}\n\nThen enter this code; it \
                 is valid for 15 minutes. Enter it only if you started this login yourself:\n\n    {}\n",
                started.url, started.user_code
            ));
            let outcome = outcome(&services, started.id);
            let failure = shown_until(login::DEVICE_DEADLINE, outcome).await;
            ended(&services, what, failure)
        }
    }
}

async fn in_browser(services: Arc<Services>, openers: Option<Openers>) -> ExitCode {
    let what = "Error logging in";
    let originator = services.backend.identity.originator();
    let started = match services
        .logins
        .start_browser(services.logins.arrive(None), originator)
        .await
    {
        Err(failure) => return ended(&services, what, Some(failure)),
        Ok(started) => started,
    };
    let port = started.port;
    let opened = openers.is_some_and(|openers| openers.open(&started.url));
    let how = if opened {
        "If your browser did not open, open this page to sign in"
    } else {
        "Open this page to sign in"
    };
    let url = &started.url;
    tell(&format!(
        "Starting local login server on http://localhost:{port}.\n{how}:\n\n{url}\n"
    ));
    if std::io::stdin().is_terminal() {
        tell(
            "If the browser runs on another machine, its last page will not load: paste its \
             address here and press Enter.",
        );
    }
    offer_paste(Arc::clone(&services), started.id);
    let outcome = outcome(&services, started.id);
    let failure = shown_until(login::BROWSER_DEADLINE, outcome).await;
    ended(&services, what, failure)
}

/// Waits for the end of a login. Returns the error if it failed.
async fn outcome(services: &Services, id: Uuid) -> Option<String> {
    let id = id.to_string();
    let mut completed = services.logins.completed();
    let is_it = |last: &Option<byokey_protocol::login::LoginCompleted>| {
        last.as_ref()
            .is_some_and(|last| last.login_id.as_ref() == Some(&id))
    };
    match completed.wait_for(is_it).await {
        Ok(last) => last.as_ref()?.error.clone(),
        Err(_) => Some("Login was not completed".to_owned()),
    }
}

/// Reads pasted addresses until one is accepted.
fn offer_paste(services: Arc<Services>, id: Uuid) {
    let Ok(input) = unbuffered_input() else {
        return;
    };
    let runtime = tokio::runtime::Handle::current();
    // A blocking read cannot be cancelled; the thread ends with the process.
    std::thread::spawn(move || {
        let mut input = BufReader::new(input);
        let mut line = Zeroizing::new(String::with_capacity(8192));
        while input.read_line(&mut line).is_ok_and(|length| length > 0) {
            let address = Secret::from(line.trim());
            line.clear();
            if address.is_empty() {
                continue;
            }
            let services = Arc::clone(&services);
            runtime.spawn(async move {
                if let Err(refusal) = services.logins.complete(id, address).await {
                    tell(&refusal.to_string());
                }
            });
        }
    });
}

fn ended(services: &Services, what: &str, failure: Option<impl std::fmt::Display>) -> ExitCode {
    match failure {
        None => {
            tell(&format!("Successfully logged in{}", account(services)));
            ExitCode::SUCCESS
        }
        Some(failure) => {
            tell(&format!("{what}: {failure}"));
            ExitCode::FAILURE
        }
    }
}

/// Returns which account is signed in now, as the end of a sentence.
fn account(services: &Services) -> String {
    let Some(lease) = services.auth.lease() else {
        return String::new();
    };
    let Some(account) = lease.credential.chatgpt() else {
        return " using an API key".to_owned();
    };
    let plan = serde_json::to_value(account.plan).ok();
    let plan = plan.as_ref().and_then(|plan| plan.as_str());
    let parts = [
        account.email.as_deref().map(|email| format!(" as {email}")),
        plan.map(|plan| format!(", plan {plan}")),
        account.id.as_deref().map(|id| format!(", workspace {id}")),
    ];
    printable(&parts.into_iter().flatten().collect::<String>())
}
