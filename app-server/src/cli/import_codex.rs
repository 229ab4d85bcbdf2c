//! `byokey import-codex`: imports the login of codex, without changing codex's files.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use byokey_app_server::config::Environment;
use byokey_app_server::server::services::Services;
use byokey_auth::stores::{FileStore, StoreKind, read_codex_keyring};
use byokey_auth::{ManagedLogin, ManagedTokens, Store as _, StoreFailure, Stored};
use byokey_base::clock::{Clock as _, SystemClock};
use byokey_protocol::initialize::HardeningReport;
use clap::Args;

use super::command::{CommandContext, tell};
use super::when::TimeFormat;
use super::{Common, fail};

/// Options of `byokey import-codex`.
#[derive(Debug, Args)]
pub(crate) struct ImportCodex {
    /// Import the refresh token too. Two owners of one refresh token invalidate each other's login.
    #[arg(long)]
    take_refresh_token: bool,
    #[command(flatten)]
    common: Common,
}

impl ImportCodex {
    pub(crate) fn run(
        self,
        common: Common,
        environment: &Environment,
        hardening: HardeningReport,
    ) -> ExitCode {
        let context = match CommandContext::new(common.and(self.common), environment, hardening) {
            Ok(context) => context,
            Err(code) => return code,
        };
        if let Some(code) = context.refused() {
            return code;
        }
        if context.config.byokey_home == context.config.codex_home {
            return fail("BYOKEY_HOME is codex's folder, so its login is in use already");
        }
        let take = self.take_refresh_token;
        // Before there is a second thread.
        let time_format = TimeFormat::at(SystemClock.unix_seconds());
        context.run(move |services| import(services, take, time_format))
    }
}

async fn import(
    services: Arc<Services>,
    take_refresh_token: bool,
    time_format: TimeFormat,
) -> ExitCode {
    let login_here = login_here(services.config().store);
    let (place, tokens) = match read(services.config().codex_home.as_deref(), &login_here).await {
        Ok(found) => found,
        Err(problem) => return fail(&problem),
    };
    let tokens = ManagedTokens {
        refresh_token: tokens.refresh_token.filter(|_| take_refresh_token),
        ..tokens
    };
    let Ok(login) = ManagedLogin::new(tokens) else {
        return fail(&format!("{place} contains tokens that cannot be read"));
    };
    let expires_at = login.expires_at;
    let now = services.clock.unix_seconds();
    let is_renewable = login.tokens().refresh_token.is_some();
    if !is_renewable && expires_at.is_some_and(|expiry| expiry <= now) {
        return fail(&format!(
            "the access token in {place} has expired, and without a refresh token it cannot be \
             renewed, so nothing was imported; run codex once, which renews its login, and import \
             it again, or sign in here with `{login_here}`"
        ));
    }
    let auth = &services.auth;
    let done = auth.import(login.into(), auth.begin_login(None));
    if let Err(failure) = done.await {
        return fail(&failure.to_string());
    }
    tell("Successfully imported the login of codex");
    if take_refresh_token {
        tell(
            "Warning: codex and byokey now share one refresh token. It can be used once, so the \
             first to renew its login signs the other out. Use one of them only.",
        );
    } else {
        let until =
            expires_at.map_or_else(String::new, |at| format!(" at {}", time_format.moment(at)));
        tell(&format!(
            "Only the access token was imported. It is not renewed and expires{until}; codex stays \
             signed in."
        ));
    }
    ExitCode::SUCCESS
}

/// Returns the command that signs in to the store of this command.
fn login_here(store: StoreKind) -> String {
    format!("byokey login --store {}", store.name())
}

/// Returns where codex stores its login, and its tokens; or an error with the remedy. codex has
/// either a file or a keyring entry, and removes the file when it creates the entry.
async fn read(folder: Option<&Path>, login_here: &str) -> Result<(String, ManagedTokens), String> {
    let folder = folder.ok_or("there is no home folder; name codex's folder with CODEX_HOME")?;
    let file = folder.join("auth.json").display().to_string();
    let in_file = FileStore::new(folder).load().await;
    let show = format!("cat {file}");
    if let Some(found) = found(in_file, &file, &show, login_here)? {
        return Ok((file, found));
    }
    let place = "codex's entry in the keyring";
    let in_keyring = match read_codex_keyring(folder).await {
        // Without a keyring there is no entry in it.
        Err(StoreFailure::NoKeyring) => Ok(None),
        Err(StoreFailure::Locked | StoreFailure::SilentKeyring) => {
            return Err(format!(
                "there is no login of codex at {file}, and the keyring is locked; unlock it and \
                 try again, or sign in here with `{login_here}`"
            ));
        }
        kept => kept,
    };
    let show = "secret-tool lookup service 'Codex Auth'";
    match found(in_keyring, place, show, login_here)? {
        Some(found) => Ok((place.to_owned(), found)),
        None => Err(format!(
            "there is no login of codex at {file}, nor in the keyring; run `codex login`, or sign \
             in here with `{login_here}`"
        )),
    }
}

/// Returns the tokens at that place, if there are any; or an error with the remedy. `show` is the
/// command that displays it.
fn found(
    kept: Result<Option<Stored>, StoreFailure>,
    place: &str,
    show: &str,
    login_here: &str,
) -> Result<Option<ManagedTokens>, String> {
    match kept {
        Ok(Some(Stored::Managed(tokens))) => Ok(Some(tokens)),
        Ok(Some(Stored::ApiKey(_))) => Err(format!(
            "{place} contains an API key, not a login. Run: {show} | jq -r .OPENAI_API_KEY | \
             {login_here} --with-api-key"
        )),
        Ok(Some(Stored::PersonalAccessToken(_))) => Err(format!(
            "{place} contains an access token, not a login. Run: {show} | jq -r \
             .personal_access_token | {login_here} --with-access-token"
        )),
        Ok(None) => Ok(None),
        Err(StoreFailure::Corrupt { .. }) => Err(format!(
            "{place} cannot be read as a login; run `codex login` again"
        )),
        Err(failure) => Err(failure.to_string()),
    }
}
