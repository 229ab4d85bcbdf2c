//! What a logout does to a renewal in flight: the refresh token is being spent, so its successor is
//! revoked instead of dropped.

use std::future::pending;

use tokio::sync::watch;

/// Whether a logout revokes logins at the issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// It revokes them.
    Revoke,
    /// It leaves them valid.
    Leave,
}

/// Signals to a renewal that its login was logged out.
#[derive(Debug)]
pub(crate) struct Forget(watch::Sender<Option<Revocation>>);

/// The renewal's end of the signal.
#[derive(Clone, Debug)]
pub(crate) struct ForgetSignal(watch::Receiver<Option<Revocation>>);

impl Forget {
    /// Returns a signal and its receiving end.
    pub(crate) fn new() -> (Self, ForgetSignal) {
        let (sender, receiver) = watch::channel(None);
        (Self(sender), ForgetSignal(receiver))
    }

    /// Signals the logout.
    pub(super) fn signal(&self, revocation: Revocation) {
        self.0.send_replace(Some(revocation));
    }
}

impl ForgetSignal {
    /// Returns the mode of the logout, once the user has logged out.
    pub(super) fn get(&self) -> Option<Revocation> {
        *self.0.borrow()
    }

    /// Waits for the logout.
    pub(crate) async fn wait(&self) -> Revocation {
        let mut signal = self.0.clone();
        let signalled = signal.wait_for(Option::is_some).await;
        match signalled.ok().and_then(|signalled| *signalled) {
            Some(revocation) => revocation,
            // Once the sender is dropped, no logout can follow.
            None => pending().await,
        }
    }
}
