//! Renewals on demand. A recent renewal satisfies later requests, so that a client that asks
//! constantly does not spend a refresh token each time.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{AuthManager, lock};
use crate::credential::Credential;
use crate::state::Generation;

/// How long a renewal satisfies later requests.
const RECENT: Duration = Duration::from_secs(30);

/// A renewal of a managed login.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastRenewal {
    generation: Generation,
    /// By the monotonic clock, which stops while the machine sleeps.
    at: Instant,
    /// By the time of day, which may be set.
    at_unix: i64,
}

impl AuthManager {
    /// Returns whether `account/read` should wait for [`AuthManager::refresh_managed`].
    #[must_use]
    pub fn is_stale(&self) -> bool {
        let now = self.renewer.clock.unix_seconds();
        let state = self.state();
        let Some(Credential::Managed(login)) = state.credential().map(Arc::as_ref) else {
            return false;
        };
        state.is_refreshing() || login.renew_at().is_some_and(|due| due <= now)
    }

    /// Renews a managed login, unless it was renewed recently. A failure is logged; callers read
    /// the state in force.
    pub async fn refresh_managed(self: &Arc<Self>) {
        if !self.is_managed() || self.is_fresh() {
            return;
        }
        let generation = self.state().generation();
        if let Err(failure) = self.recover(generation).await {
            tracing::warn!("the login could not be renewed: {failure}");
        }
    }

    /// Records that the credential in force was renewed now.
    pub(super) fn note_renewal(&self) {
        let renewal = LastRenewal {
            generation: self.state().generation(),
            at: Instant::now(),
            at_unix: self.renewer.clock.unix_seconds(),
        };
        *lock(&self.last_renewal) = Some(renewal);
    }

    /// Returns whether the credential in force was renewed recently. Both clocks must agree: one
    /// may have stopped, the other may have been set.
    fn is_fresh(&self) -> bool {
        let Some(last) = *lock(&self.last_renewal) else {
            return false;
        };
        let (generation, is_dead) = {
            let state = self.state();
            (state.generation(), state.permanent_failure().is_some())
        };
        let since = self.renewer.clock.unix_seconds().abs_diff(last.at_unix);
        last.generation == generation
            && !is_dead
            && last.at.elapsed() < RECENT
            && since < RECENT.as_secs()
    }
}
