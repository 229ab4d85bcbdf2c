//! Workspace routing: where the model calls of the account in force go.
//!
//! The routing is looked up in the background after a login at the built-in provider, once for an
//! account, or handed over by the host. A lookup is never part of the login: no request of a client
//! waits for it, and its failure does not fail the login. Model calls wait for it, a little.
//!
//! `lookup` asks the backend, `route` checks what it says, `state` remembers it, and `wait` is the
//! part of a model call.

mod lookup;
mod route;
mod state;
mod wait;

use std::sync::Arc;

use byokey_auth::{AccountIdentity, Lease};
use byokey_http::Occasion;
use byokey_protocol::workspace_routing::WorkspaceRouting;
use tokio::sync::watch;
use url::Url;

pub use route::{RoutingFailure, WorkspaceRoute};
pub(super) use state::Workspaces;
use state::{Entry, Stage};
pub use wait::Unrouted;

use super::Backend;
use super::route::Carries;
use crate::config::Config;

impl Backend {
    /// Follows a change of the credential in force: forgets the routing of another account, and
    /// begins to look up one that is not known.
    pub(super) fn follow_workspace(&self, lease: Option<Lease>) {
        let config = self.config();
        let routed = lease.filter(|lease| is_routed(&config, lease));
        let Some(lease) = routed else {
            self.workspaces.forget();
            return;
        };
        let account = lease.credential.identity();
        let routing = lease.credential.routing();
        let handed_over = routing.map(|routing| route::of_host(&config, &lease, routing));
        let unusable = match handed_over {
            Some(Ok(route)) => {
                let stage = Stage::Known(Arc::new(route));
                self.workspaces.settle(account, stage);
                return;
            }
            // As if it had not come: the tokens count without it.
            Some(Err(failure)) => {
                tracing::warn!("the routing that came with the tokens does not count: {failure}");
                Some(failure)
            }
            None => None,
        };
        if self.workspaces.is_in_hand(&account) {
            return;
        }
        match (self.begin_lookup(&config, lease, account.clone()), unusable) {
            (None, Some(failure)) => self.workspaces.settle(account, Stage::failed(failure)),
            (entry, _) => self.workspaces.replace(entry),
        }
    }

    /// Follows a configuration that was read again: under other settings, what was known counts no
    /// more, and what was not asked for may be needed.
    pub(crate) fn follow_settings(&self, before: &Config) {
        let config = self.config();
        self.identity.state_version(&config.codex_version);
        self.models.follow_settings(before, &config);
        if !decide_alike(before, &config) {
            self.workspaces.forget();
            self.follow_workspace(self.auth.lease());
        }
    }

    /// Begins to look up the routing for this account; `None` if the configuration switches that
    /// off.
    fn begin_lookup(
        &self,
        config: &Config,
        lease: Lease,
        account: AccountIdentity,
    ) -> Option<Entry> {
        if !config.workspace.is_looked_up {
            return None;
        }
        let backend = self.me.upgrade()?;
        // Outside a runtime there is no call that could need it.
        let runtime = tokio::runtime::Handle::try_current().ok()?;
        let (sender, stage) = watch::channel(Stage::Running);
        let era = self.http.era();
        let of_task = account.clone();
        let task = runtime.spawn(async move {
            let mut lease = lease;
            let found = loop {
                let generation = lease.generation;
                let found = Box::pin(backend.look_up(lease)).await;
                let newer = backend.lease_of(&of_task);
                match (found, newer.filter(|newer| newer.generation != generation)) {
                    // Renewed tokens may be accepted where those before were not.
                    (Err(_), Some(newer)) => lease = newer,
                    (found, _) => break found,
                }
            };
            if let Err(failure) = &found {
                tracing::info!("the routing of the workspace is not known: {failure}");
            }
            sender.send_replace(match found {
                Ok(route) => Stage::Known(Arc::new(route)),
                Err(failure) => Stage::failed(failure),
            });
            backend.connect_ahead(era);
        });
        Some(self.workspaces.entry(account, stage, task.abort_handle()))
    }

    /// Returns the credential in force, if it is one of this account.
    fn lease_of(&self, account: &AccountIdentity) -> Option<Lease> {
        let lease = self.auth.lease();
        lease.filter(|lease| lease.credential.identity().is_same(account))
    }

    /// Opens a connection ahead of the first model call, if that goes elsewhere than the one that
    /// the login opened.
    fn connect_ahead(&self, era: u64) {
        let lease = self.auth.lease();
        if let Some(url) = lease.and_then(|lease| self.moved_destination(&lease)) {
            self.http.open_standby(&url, era, Occasion::Login);
        }
    }

    /// Returns where the model calls of a workspace go that is routed away from the configured
    /// backend.
    pub(super) fn moved_destination(&self, lease: &Lease) -> Option<Url> {
        let known = self.workspaces.known(&lease.credential.identity())?;
        known.origin.as_ref()?;
        self.destination(lease)
    }

    /// Returns the routing of an account, if it is known.
    #[must_use]
    pub fn workspace_routing(&self, account: &AccountIdentity) -> Option<WorkspaceRouting> {
        let known = self.workspaces.known(account)?;
        Some(known.shown.clone())
    }
}

/// Returns whether workspaces are routed alike under two configurations.
fn decide_alike(one: &Config, other: &Config) -> bool {
    one.chatgpt_base_url == other.chatgpt_base_url
        && one.provider.id == other.provider.id
        && one.provider.base_url == other.provider.base_url
        && one.workspace == other.workspace
}

/// Returns whether the model calls under this credential go where its workspace is: at the built-in
/// provider, for a ChatGPT account with an id.
fn is_routed(config: &Config, lease: &Lease) -> bool {
    let account = lease.credential.chatgpt();
    config.provider.is_built_in()
        && Carries::of(&config.provider, Some(lease)) == Carries::Credential
        && account.is_some_and(|account| account.id.is_some())
}
