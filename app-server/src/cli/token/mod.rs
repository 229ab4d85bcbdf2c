//! `byokey token`: the access token in force on standard output, and nothing else there.
//!
//! For programs that ask a command for a credential (`credential_process` of AWS, `exec` of kubectl,
//! `auth.command` of codex). A login with less than five minutes left is renewed before, once for all
//! processes, since a renewal holds the lock of the store. Only logins of this program are printed,
//! never those that a host owns.

#[cfg_attr(unix, path = "server.rs")]
#[cfg_attr(not(unix), path = "no_server.rs")]
mod server;

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use byokey_app_server::config::{Config, Environment, Stops};
use byokey_app_server::server::services::Services;
use byokey_auth::stores::{self, StoreKind};
use byokey_auth::{Claims, Credential, OwnCredential, Restored};
use byokey_base::clock::{Clock as _, SystemClock};
use byokey_protocol::account::AuthMode;
use byokey_protocol::initialize::HardeningReport;
use byokey_protocol::secret::Secret;
use clap::Args;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use zeroize::Zeroizing;

use super::command::{CommandContext, tell};
use super::exit_code::{EXPIRED, FAILED, SIGNED_OUT};
use super::{Common, fail};

/// The version of the output of `--json`. It changes when a member changes its meaning or goes.
const VERSION: u32 = 1;

/// Options of `byokey token`.
#[derive(Debug, Args)]
#[cfg_attr(feature = "help", command(after_help = super::examples::TOKEN))]
pub(crate) struct Token {
    /// Print one JSON object: version, token, kind, accountId, expiresAt.
    #[arg(long)]
    json: bool,
    /// Print it on a terminal too.
    #[arg(long)]
    show: bool,
    #[command(flatten)]
    common: Common,
}

/// A token that may be printed.
#[derive(Debug)]
struct Found {
    kind: AuthMode,
    token: Secret,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
enum NoToken {
    #[error("there is no login in {place}; run `byokey login --store {store}`")]
    SignedOut {
        place: &'static str,
        store: &'static str,
    },
    #[error(
        "the login has expired and cannot be renewed; run `byokey login --store {store}` again"
    )]
    Expired { store: &'static str },
    // Only a running server says so.
    #[cfg(unix)]
    #[error(
        "the login of the running server is owned by its host, and its token is not printed; a \
         program gets access without a token from `byokey run`, on a login of `byokey login \
         --store file`"
    )]
    OwnedByHost,
    #[cfg(unix)]
    #[error(
        "the running server does not hand out a personal access token; name its store with \
         `--store`"
    )]
    Personal,
    #[error(
        "no store is chosen and no server runs; name the store of the login with `--store file` \
         (or keyring, or auto), or with BYOKEY_STORE"
    )]
    NoServer,
    #[error("{0}")]
    Failed(String),
}

impl NoToken {
    const fn code(&self) -> u8 {
        match self {
            Self::SignedOut { .. } | Self::NoServer => SIGNED_OUT,
            Self::Expired { .. } => EXPIRED,
            #[cfg(unix)]
            Self::OwnedByHost | Self::Personal => FAILED,
            Self::Failed(_) => FAILED,
        }
    }
}

/// A failure in its own words.
fn failed(failure: impl std::fmt::Display) -> NoToken {
    NoToken::Failed(failure.to_string())
}

/// The output of `--json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Output<'a> {
    version: u32,
    token: &'a str,
    kind: AuthMode,
    /// The workspace, for the header `ChatGPT-Account-ID`.
    account_id: Option<String>,
    /// RFC 3339, in UTC; null if it is not known.
    expires_at: Option<String>,
}

impl Token {
    pub(crate) fn run(
        self,
        common: Common,
        environment: &Environment,
        hardening: HardeningReport,
    ) -> ExitCode {
        if !self.show && io::stdout().is_terminal() {
            return fail(
                "standard output is a terminal, where the token would stay on the screen; pipe it \
                 to the program that needs it, or add `--show`",
            );
        }
        let context = match CommandContext::new(common.and(self.common), environment, hardening) {
            Ok(context) => context,
            Err(code) => return code,
        };
        let is_json = self.json;
        context.run(move |services| async move {
            let found = find(&services).await;
            match found.and_then(|found| found.print(is_json).map_err(failed)) {
                Ok(()) => ExitCode::SUCCESS,
                Err(none) => {
                    tell(&format!("byokey: {none}"));
                    ExitCode::from(none.code())
                }
            }
        })
    }
}

/// Finds the token in force: that of the environment, of the chosen store, or of the running server.
async fn find(services: &Arc<Services>) -> Result<Found, NoToken> {
    let config = services.config();
    config.check(Stops::Logins).map_err(failed)?;
    config.check(Stops::Restoring).map_err(failed)?;
    if let Some(token) = services.take_given_token() {
        config.policy.check_personal().map_err(failed)?;
        return Ok(Found {
            kind: AuthMode::PersonalAccessToken,
            token,
        });
    }
    if config.store == StoreKind::Ephemeral {
        return server::token(config.byokey_home.as_deref()).await;
    }
    of_store(services, &config).await
}

async fn of_store(services: &Arc<Services>, config: &Config) -> Result<Found, NoToken> {
    let name = config.store.name();
    let store = stores::open(config.store, config.byokey_home.as_deref());
    let stored = store.load().await.map_err(failed)?;
    let restored = stored.map(byokey_auth::Stored::restore).transpose();
    let restored = restored.map_err(|invalid| {
        NoToken::Failed(format!(
            "the stored login cannot be used: {invalid}; sign in again"
        ))
    })?;
    let Some(restored) = restored else {
        return Err(NoToken::SignedOut {
            place: store.name(),
            store: name,
        });
    };
    config.policy.check_restored(&restored).map_err(failed)?;
    let own = match restored {
        Restored::PersonalAccessToken(token) => {
            return Ok(Found {
                kind: AuthMode::PersonalAccessToken,
                token,
            });
        }
        Restored::Credential(own) => own,
    };
    let OwnCredential::Managed(login) = &own else {
        let credential = Credential::from(own);
        return Ok(Found::of(&credential));
    };
    let now = SystemClock.unix_seconds();
    if login.renew_at().is_none_or(|due| due > now) {
        return unexpired(Some(&own.into()), name);
    }
    drop(own);
    let auth = &services.auth;
    auth.restore_from_store().await.map_err(failed)?;
    auth.refresh_managed().await;
    if auth.needs_reauth() {
        return Err(NoToken::Expired { store: name });
    }
    auth.read(|credential| unexpired(credential, name))
}

/// Returns the token of a login that has not expired. One that could not be renewed in time is good
/// until then.
fn unexpired(credential: Option<&Credential>, store: &'static str) -> Result<Found, NoToken> {
    let Some(credential) = credential else {
        return Err(NoToken::SignedOut {
            place: store,
            store,
        });
    };
    if let Credential::Managed(login) = credential
        && login
            .expires_at
            .is_some_and(|at| at <= SystemClock.unix_seconds())
    {
        if login.tokens().refresh_token.is_some() {
            return Err(failed(
                "the login has expired and was not renewed; the line before says why",
            ));
        }
        return Err(NoToken::Expired { store });
    }
    Ok(Found::of(credential))
}

impl Found {
    fn of(credential: &Credential) -> Self {
        Self {
            kind: credential.mode(),
            token: credential.bearer().duplicate(),
        }
    }

    /// Prints it without the buffer of the standard library, which is not wiped.
    fn print(&self, is_json: bool) -> io::Result<()> {
        let mut text = Zeroizing::new(Vec::with_capacity(self.token.len() + 512));
        if is_json {
            // An API key is not a JWT, and an access token may be opaque.
            let claims = Claims::of(self.token.expose()).unwrap_or_default();
            let at = claims.expires_at;
            let at = at.and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
            let output = Output {
                version: VERSION,
                token: self.token.expose(),
                kind: self.kind,
                account_id: claims.account_id,
                expires_at: at.and_then(|at| at.format(&Rfc3339).ok()),
            };
            serde_json::to_writer(&mut *text, &output)?;
        } else {
            text.extend_from_slice(self.token.expose().as_bytes());
        }
        text.push(b'\n');
        super::command::unbuffered_output()?.write_all(&text)
    }
}
