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
        if let Some(routing) = lease.credential.routing() {
            let stage = match route::of_host(&config, &lease, routing) {
                Ok(route) => Stage::Known(Arc::new(route)),
                Err(failure) => Stage::failed(failure),
            };
            self.workspaces.settle(account, stage);
        } else if !self.workspaces.is_in_hand(&account) {
            let entry = self.begin_lookup(&config, lease, account);
            self.workspaces.replace(entry);
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
        let task = runtime.spawn(async move {
            let found = Box::pin(backend.look_up(lease)).await;
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

/// Returns whether the model calls under this credential go where its workspace is: at the built-in
/// provider, for a ChatGPT account with an id.
fn is_routed(config: &Config, lease: &Lease) -> bool {
    let account = lease.credential.chatgpt();
    config.provider.is_built_in()
        && Carries::of(&config.provider, Some(lease)) == Carries::Credential
        && account.is_some_and(|account| account.id.is_some())
}
