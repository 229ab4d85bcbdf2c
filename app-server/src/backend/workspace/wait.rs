//! The part of a model call: it waits for a lookup in progress, not long, and goes to the configured
//! backend without one. The calls of a workspace that is bound to a region go nowhere then.

use std::sync::Arc;

use byokey_auth::Lease;
use tokio::sync::watch;
use tokio::time::timeout;

use super::super::limits::{MAX_ROUTING_WAIT, ROUTING_RETRY};
use super::super::{Backend, BackendError, Call, signed_out};
use super::is_routed;
use super::route::{RoutingFailure, WorkspaceRoute};
use super::state::Stage;

/// A model call goes to the configured backend because the routing of its workspace is not known.
#[derive(Debug)]
pub struct Unrouted {
    /// The lookup, which many calls may wait for.
    pub lookup: u64,
    /// The reason.
    pub why: RoutingFailure,
}

/// What a model call finds.
enum Found {
    /// Nothing is asked for this account.
    Nothing,
    /// The stage of this lookup, to be waited for.
    Lookup(u64, watch::Receiver<Stage>),
    /// This lookup failed, and another one has begun.
    Earlier(u64, RoutingFailure),
    /// The account in force is another one by now.
    Stale,
}

impl Backend {
    /// Returns where a model call under this credential goes; `None` for the configured backend.
    /// Other calls always go there.
    ///
    /// # Errors
    ///
    /// [`BackendError::Workspace`] when that is not known and must be, or
    /// [`BackendError::SignedOut`].
    pub(in super::super) async fn workspace_of(
        &self,
        call: &Call<'_>,
        lease: Option<&Lease>,
    ) -> Result<Option<Arc<WorkspaceRoute>>, BackendError> {
        let (Some(on_unrouted), Some(lease)) = (call.on_unrouted, lease) else {
            return Ok(None);
        };
        let account = lease.credential.chatgpt();
        let is_bound = account.is_some_and(|account| account.residency.is_some());
        let (lookup, why) = match self.find(lease, is_bound) {
            Found::Nothing => return Ok(None),
            Found::Earlier(lookup, why) => (lookup, why),
            Found::Stale if is_bound => (0, RoutingFailure::Interrupted),
            Found::Stale => return Ok(None),
            Found::Lookup(lookup, stage) => {
                let settled = tokio::select! {
                    settled = settled(stage) => settled,
                    () = signed_out(Some(lease)) => return Err(BackendError::SignedOut),
                };
                match settled {
                    Ok(route) => return Ok(Some(route)),
                    Err(why) => (lookup, why),
                }
            }
        };
        if is_bound {
            return Err(BackendError::Workspace(why));
        }
        on_unrouted(&Unrouted { lookup, why });
        Ok(None)
    }

    /// Finds the lookup for this credential. One that failed a while ago is made again; only a call
    /// that cannot do without waits for it.
    fn find(&self, lease: &Lease, is_bound: bool) -> Found {
        let config = self.config();
        if !is_routed(&config, lease) {
            return Found::Nothing;
        }
        let account = lease.credential.identity();
        let in_force = self.auth.lease();
        let mut current = self.workspaces.current();
        let Some(entry) = current.as_mut() else {
            return Found::Nothing;
        };
        if !entry.account.is_same(&account) {
            return Found::Stale;
        }
        let failed = match &*entry.stage.borrow() {
            Stage::Failed { why, since } if since.elapsed() >= ROUTING_RETRY => Some(why.clone()),
            _ => None,
        };
        let again = failed.zip(in_force.filter(|it| it.credential.routing().is_none()));
        if let Some((why, lease)) = again
            && let Some(new) = self.begin_lookup(&config, lease, account)
        {
            let earlier = entry.number;
            *entry = new;
            if !is_bound {
                return Found::Earlier(earlier, why);
            }
        }
        Found::Lookup(entry.number, entry.stage.clone())
    }
}

/// Waits for the end of a lookup.
async fn settled(mut stage: watch::Receiver<Stage>) -> Result<Arc<WorkspaceRoute>, RoutingFailure> {
    let is_over = |stage: &Stage| !matches!(stage, Stage::Running);
    let waited = timeout(MAX_ROUTING_WAIT, stage.wait_for(is_over)).await;
    let stage = match waited {
        Ok(Ok(stage)) => stage.clone(),
        Ok(Err(_)) => return Err(RoutingFailure::Interrupted),
        Err(_) => return Err(RoutingFailure::Late),
    };
    match stage {
        Stage::Known(route) => Ok(route),
        Stage::Failed { why, .. } => Err(why),
        Stage::Running => Err(RoutingFailure::Late),
    }
}
