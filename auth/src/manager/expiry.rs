//! Renews tokens proactively, before they expire.

use std::sync::Arc;
use std::time::Duration;

use super::{AuthManager, lock};
use crate::credential::Credential;

/// How long before its expiry a new token is requested from a host that wants this, in seconds.
const ASK_HOST_BEFORE: i64 = 60;
/// The same for a bearer token of a host. An issuer may treat a refresh token that is spent more than
/// six minutes before the expiry as replayed.
const ASK_FOR_BEARER_BEFORE: i64 = 300;
/// Delay after a failed renewal of a managed login. Not by the time of day: that may be corrected
/// meanwhile, and a minute would become hours.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// How often the time of day is checked again, since it may be set or the machine may sleep.
const LOOK_AGAIN: Duration = Duration::from_secs(600);

/// Which expiries lead to a renewal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// A past one as well: the host may not know that its token has expired.
    NowOrLater,
    /// Only a future one. A host that answers with an expired token would be asked for ever.
    Later,
    /// A past one as well, but at the earliest in a minute: the last attempt was just now.
    InAMinute,
}

impl AuthManager {
    /// Schedules the renewal of the token in force before its expiry.
    pub(super) fn watch_expiry(self: &Arc<Self>, when: Due) {
        let now = self.renewer.clock.unix_seconds();
        let due = self.state().credential().and_then(|held| self.due(held));
        let due = due.filter(|due| when != Due::Later || *due > now);
        let generation = self.state().generation();
        let task = due.map(|due| {
            let manager = Arc::clone(self);
            let task = tokio::spawn(async move {
                if when == Due::InAMinute {
                    tokio::time::sleep(TRY_AGAIN_AFTER).await;
                }
                manager.sleep_until(due).await;
                let order = manager.state().expiring(generation);
                if let Some(order) = order {
                    manager.ask(order);
                }
            });
            task.abort_handle()
        });
        if let Some(previous) = std::mem::replace(&mut *lock(&self.watching), task) {
            previous.abort();
        }
    }

    fn due(&self, credential: &Credential) -> Option<i64> {
        match credential {
            Credential::External(login) if self.host.wants_proactive_refresh(login.supplier) => {
                Some(login.expires_at?.saturating_sub(ASK_HOST_BEFORE))
            }
            Credential::Bearer(login) if self.host.wants_proactive_refresh(login.supplier) => {
                Some(login.expires_at?.saturating_sub(ASK_FOR_BEARER_BEFORE))
            }
            Credential::Managed(login) => login.renew_at(),
            _ => None,
        }
    }

    async fn sleep_until(&self, due: i64) {
        while let Ok(wait @ 1..) =
            u64::try_from(due.saturating_sub(self.renewer.clock.unix_seconds()))
        {
            tokio::time::sleep(Duration::from_secs(wait).min(LOOK_AGAIN)).await;
        }
    }
}
