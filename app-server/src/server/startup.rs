//! Startup: the credential from the environment or a store may take time. A keyring may prompt for
//! a password, and an issuer may be slow.
//!
//! Clients are answered meanwhile. Only requests that need the credential wait.

use tokio::sync::watch;

/// The stage of startup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// The earlier credential is in force, or unavailable.
    #[default]
    Over,
    /// In progress.
    UnderWay,
    /// A login or logout made the earlier credential irrelevant.
    Overtaken,
}

/// The startup of this process.
#[derive(Debug, Default)]
pub struct Start(watch::Sender<Stage>);

/// Startup in progress. It is over on drop.
#[derive(Debug)]
pub(crate) struct UnderWay(watch::Sender<Stage>);

impl Start {
    /// Marks startup as in progress.
    pub(crate) fn begin(&self) -> UnderWay {
        self.0.send_replace(Stage::UnderWay);
        UnderWay(self.0.clone())
    }

    /// Records a login or logout.
    pub(crate) fn overtake(&self) {
        self.0.send_if_modified(|stage| {
            let is_under_way = *stage == Stage::UnderWay;
            if is_under_way {
                *stage = Stage::Overtaken;
            }
            is_under_way
        });
    }

    /// Waits until the credential in force is known; `None` if it is.
    pub(crate) fn settled(&self) -> Option<impl Future<Output = ()> + Send + use<>> {
        self.wait_until(|stage: &Stage| *stage != Stage::UnderWay)
    }

    /// Waits until startup is over; `None` if it is.
    pub fn over(&self) -> Option<impl Future<Output = ()> + Send + use<>> {
        self.wait_until(|stage: &Stage| *stage == Stage::Over)
    }

    fn wait_until(
        &self,
        is_reached: fn(&Stage) -> bool,
    ) -> Option<impl Future<Output = ()> + Send + use<>> {
        if is_reached(&self.0.borrow()) {
            return None;
        }
        let mut stage = self.0.subscribe();
        Some(async move {
            // The sender is dropped with the process.
            drop(stage.wait_for(is_reached).await);
        })
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_replace(Stage::Over);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::Start;

    // Row: what was there before the start
    #[test]
    fn who_needs_the_credential_waits_until_it_is_known_or_not_needed() {
        let start = Start::default();
        assert!(start.settled().is_none() && start.over().is_none());
        let under_way = start.begin();
        let mut known = Box::pin(start.settled().unwrap());
        let mut over = Box::pin(start.over().unwrap());
        assert!(known.as_mut().now_or_never().is_none());
        start.overtake();
        assert!(known.as_mut().now_or_never().is_some());
        assert!(start.settled().is_none());
        assert!(over.as_mut().now_or_never().is_none());
        drop(under_way);
        assert!(over.as_mut().now_or_never().is_some());
        start.overtake();
        assert!(start.over().is_none(), "nothing is left to overtake");
    }
}
