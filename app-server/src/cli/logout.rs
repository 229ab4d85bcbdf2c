//! `byokey logout`.

use std::process::ExitCode;
use std::sync::Arc;

use byokey_app_server::config::Environment;
use byokey_app_server::server::services::Services;
use byokey_auth::stores;
use byokey_auth::{ManagedLogin, Revocation, StoreFailure, Stored};
use byokey_protocol::initialize::HardeningReport;
use clap::Args;

use super::Common;
use super::command::{CommandContext, tell};

/// Options of `byokey logout`.
#[derive(Debug, Args)]
pub(crate) struct Logout {
    /// Forget the login here, but do not revoke it at the issuer.
    #[arg(long)]
    local: bool,
    #[command(flatten)]
    common: Common,
}

impl Logout {
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
        if context.without_store().is_some()
            && let Some(code) = context.refused()
        {
            return code;
        }
        let local = self.local;
        context.run(move |services| logout(services, local))
    }
}

async fn logout(services: Arc<Services>, local: bool) -> ExitCode {
    let (auth, config) = (&services.auth, services.config());
    // An unreadable login cannot be revoked, but it can be removed.
    let kept = stores::open(config.store, config.byokey_home.as_deref())
        .load()
        .await;
    if let Err(failure @ StoreFailure::SilentKeyring) = kept {
        // A second request would take as long again.
        tell(&format!("Error logging out: {failure}"));
        return ExitCode::FAILURE;
    }
    if let Ok(Some(Stored::Managed(tokens))) = kept
        && let Ok(login) = ManagedLogin::new(tokens)
    {
        // A policy may forbid using it, but not revoking it.
        drop(auth.restore(login.into(), auth.epoch()));
    }
    let (_, forgotten) = auth.logout(Revocation::Revoke);
    let removed = auth.clear_store().await;
    if !local {
        auth.revoke(forgotten).await;
    }
    match removed {
        Ok(true) => tell("Successfully logged out"),
        Ok(false) => tell("Not logged in"),
        Err(failure) => {
            tell(&format!("Error logging out: {failure}"));
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
