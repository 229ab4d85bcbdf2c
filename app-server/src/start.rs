//! The start: what the environment or a store holds may take its time to come into force. A
//! keyring may ask its owner for a password, and an issuer may be slow.
//!
//! Clients are answered meanwhile. Only who needs the credential waits.

use tokio::sync::watch;

/// How far the start is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// What was there before it is in force, or cannot be had.
    #[default]
    Over,
    /// It takes its time.
    UnderWay,
    /// Somebody signed in or out, so that nobody needs what was there before.
    Overtaken,
}

/// The start of this process.
#[derive(Debug, Default)]
pub struct Start(watch::Sender<Stage>);

/// The start takes its time. It is over when the value goes.
#[derive(Debug)]
pub(crate) struct UnderWay(watch::Sender<Stage>);

impl Start {
    /// It takes its time from now on.
    pub(crate) fn begin(&self) -> UnderWay {
        self.0.send_replace(Stage::UnderWay);
        UnderWay(self.0.clone())
    }

    /// Somebody signed in or out.
    pub(crate) fn overtake(&self) {
        self.0.send_if_modified(|stage| {
            let is_under_way = *stage == Stage::UnderWay;
            if is_under_way {
                *stage = Stage::Overtaken;
            }
            is_under_way
        });
    }

    /// Waits until the credential in force is known; nothing if it is.
    pub(crate) fn settled(&self) -> Option<impl Future<Output = ()> + Send + use<>> {
        self.wait_until(|stage: &Stage| *stage != Stage::UnderWay)
    }

    /// Waits until what was there before the start has been asked for; nothing if it has.
    pub(crate) fn over(&self) -> Option<impl Future<Output = ()> + Send + use<>> {
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
            // Its sender ends with the process.
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
