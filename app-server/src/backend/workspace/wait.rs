//! The part of a model call: it waits for a lookup in progress, not long, and goes to the configured
//! backend without one. The calls of a workspace that is bound to a region go nowhere then.

use std::sync::Arc;

use byokey_auth::Lease;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::super::limits::{MAX_ROUTING_WAIT, ROUTING_RETRY};
use super::super::{Backend, BackendError, Call, signed_out};
use super::is_routed;
use super::route::{RoutingFailure, WorkspaceRoute};
use super::state::Stage;

/// A model call goes to the configured backend because the routing of its workspace is not known.
#[derive(Debug)]
pub struct Unrouted {
    /// The lookup, which many calls may wait for. Each is reported once.
    pub lookup: u64,
    /// The reason.
    pub why: RoutingFailure,
}

/// In place of a lookup: the account of the call is no longer the one in force.
const OF_ANOTHER_ACCOUNT: u64 = u64::MAX;

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
        let deadline = Instant::now() + MAX_ROUTING_WAIT;
        let mut replaced = None;
        let (lookup, why) = loop {
            match self.find(lease, is_bound) {
                Found::Nothing => match replaced {
                    Some(lookup) if is_bound => break (lookup, RoutingFailure::Interrupted),
                    _ => return Ok(None),
                },
                Found::Earlier(lookup, why) => break (lookup, why),
                Found::Stale => break (OF_ANOTHER_ACCOUNT, RoutingFailure::Interrupted),
                Found::Lookup(lookup, stage) => {
                    let settled = tokio::select! {
                        // First: a logout ends the lookup, too, which is then no failure.
                        biased;
                        () = signed_out(Some(lease)) => return Err(BackendError::SignedOut),
                        settled = timeout_at(deadline, settled(stage)) => settled,
                    };
                    match settled {
                        Ok(Some(Ok(route))) => return Ok(Some(route)),
                        Ok(Some(Err(why))) => break (lookup, why),
                        Err(_) => break (lookup, RoutingFailure::Late),
                        Ok(None) if replaced == Some(lookup) => {
                            break (lookup, RoutingFailure::Interrupted);
                        }
                        // What took its place counts.
                        Ok(None) => replaced = Some(lookup),
                    }
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
        // Another account may have come since, whose lookup says nothing about this one.
        let in_force = self.lease_of(&account);
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
        if let Some((why, lease)) = failed.zip(in_force)
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

/// Waits for the end of a lookup. None if it ends because another, or an answer of the host, takes
/// its place.
async fn settled(
    mut stage: watch::Receiver<Stage>,
) -> Option<Result<Arc<WorkspaceRoute>, RoutingFailure>> {
    let is_over = |stage: &Stage| !matches!(stage, Stage::Running);
    let stage = stage.wait_for(is_over).await.ok()?.clone();
    match stage {
        Stage::Known(route) => Some(Ok(route)),
        Stage::Failed { why, .. } => Some(Err(why)),
        Stage::Running => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use byokey_auth::PeerId;
    use byokey_protocol::external_auth::ExternalTokens;
    use byokey_protocol::initialize::HardeningReport;
    use byokey_protocol::secret::Secret;

    use super::super::super::Service;
    use super::*;
    use crate::config::{Config, Environment, Overrides};
    use crate::server::services::Services;

    /// Returns services that reach no backend.
    fn services() -> Arc<Services> {
        let overrides = Overrides {
            settings: vec![
                "chatgpt_base_url=http://127.0.0.1:1/backend-api".to_owned(),
                "byokey.standby_connections=false".to_owned(),
            ],
            ..Overrides::default()
        };
        let config = Config::load(&Environment::of([("HOME", "/nonexistent")]), &overrides);
        Services::new(config, HardeningReport::default())
    }

    fn login(services: &Services, account: &str) -> Lease {
        let tokens = ExternalTokens {
            access_token: Secret::from("e30.e30.made-up"),
            chatgpt_account_id: Some(account.to_owned()),
            chatgpt_plan_type: None,
            id_token: None,
            workspace_routing: None,
        };
        services.auth.login_external(tokens, PeerId(1)).unwrap();
        services.auth.lease().unwrap()
    }

    /// After 60 s, and the call of an unbound workspace does not wait for it.
    #[tokio::test(start_paused = true)]
    async fn a_failed_lookup_is_made_again_after_a_minute() {
        let services = services();
        let lease = login(&services, "ws-1");
        let backend = &services.backend;
        let failed = Stage::failed(RoutingFailure::NotListed);
        let account = lease.credential.identity();
        backend.workspaces.settle(account, failed);
        tokio::time::advance(Duration::from_secs(59)).await;
        let Found::Lookup(first, stage) = backend.find(&lease, false) else {
            panic!("made again after 59 s");
        };
        assert!(matches!(*stage.borrow(), Stage::Failed { .. }));
        tokio::time::advance(Duration::from_secs(1)).await;
        let Found::Earlier(earlier, RoutingFailure::NotListed) = backend.find(&lease, false) else {
            panic!("not made again after 60 s");
        };
        assert_eq!(earlier, first);
        let Found::Lookup(second, stage) = backend.find(&lease, false) else {
            panic!("made twice");
        };
        assert_ne!(second, first);
        assert!(matches!(*stage.borrow(), Stage::Running));
    }

    #[tokio::test(start_paused = true)]
    async fn a_lookup_is_repeated_with_a_token_of_its_account_alone() {
        let services = services();
        let (one, other) = (login(&services, "ws-1"), login(&services, "ws-2"));
        let backend = &services.backend;
        // The change to the other account is not followed yet.
        for (lease, is_repeated) in [(&one, false), (&other, true)] {
            let failed = Stage::failed(RoutingFailure::NotListed);
            backend
                .workspaces
                .settle(lease.credential.identity(), failed);
            tokio::time::advance(ROUTING_RETRY).await;
            let Found::Lookup(_, stage) = backend.find(lease, true) else {
                panic!("no lookup");
            };
            let is_running = matches!(*stage.borrow(), Stage::Running);
            assert_eq!(is_running, is_repeated);
        }
        // A call of the account before is not routed, and that is reported.
        let reported = Mutex::new(Vec::new());
        let report = |it: &Unrouted| reported.lock().unwrap().push((it.lookup, it.why.clone()));
        let call = Call {
            on_unrouted: Some(&report),
            ..Call::get(Service::Models, "/responses", Instant::now())
        };
        let route = backend.workspace_of(&call, Some(&one)).await.unwrap();
        assert!(route.is_none());
        let expected = (OF_ANOTHER_ACCOUNT, RoutingFailure::Interrupted);
        assert_eq!(*reported.lock().unwrap(), [expected]);
    }
}
