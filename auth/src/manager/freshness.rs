//! Renewals on demand: a recent one answers for those that are asked for after it, so that a
//! client that asks all the time does not spend a refresh token each time.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{AuthManager, lock};
use crate::credential::Credential;
use crate::state::Generation;

/// How long a renewal answers for those that are asked for after it.
const RECENT: Duration = Duration::from_secs(30);

/// A renewal of a login of ours.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastRenewal {
    generation: Generation,
    /// By the clock that stands still while the machine sleeps.
    at: Instant,
    /// By the time of day, which may be set.
    at_unix: i64,
}

impl AuthManager {
    /// Whether the answer to "who is signed in" should wait for [`AuthManager::freshen`].
    #[must_use]
    pub fn is_stale(&self) -> bool {
        let now = self.renewer.clock.unix_seconds();
        let state = self.state();
        let Some(Credential::Managed(login)) = state.credential().map(Arc::as_ref) else {
            return false;
        };
        state.is_refreshing() || login.renew_at().is_some_and(|due| due <= now)
    }

    /// Renews a login of ours, unless that was done just now. A failure is logged; what is in
    /// force says the rest.
    pub async fn freshen(self: &Arc<Self>) {
        if !self.is_managed() || self.is_fresh() {
            return;
        }
        let generation = self.state().generation();
        if let Err(failure) = self.recover(generation).await {
            tracing::warn!("the login could not be renewed: {failure}");
        }
    }

    /// Notes that the credential in force was renewed now.
    pub(super) fn note_renewal(&self) {
        let renewal = LastRenewal {
            generation: self.state().generation(),
            at: Instant::now(),
            at_unix: self.renewer.clock.unix_seconds(),
        };
        *lock(&self.last_renewal) = Some(renewal);
    }

    /// Returns whether the credential in force was renewed so recently that it need not be again.
    /// Both clocks have to agree on that: one may have stood still, the other may have been set.
    fn is_fresh(&self) -> bool {
        let Some(last) = *lock(&self.last_renewal) else {
            return false;
        };
        let (generation, is_dead) = {
            let state = self.state();
            (state.generation(), state.dead().is_some())
        };
        let since = self.renewer.clock.unix_seconds().abs_diff(last.at_unix);
        last.generation == generation
            && !is_dead
            && last.at.elapsed() < RECENT
            && since < RECENT.as_secs()
    }
}
