//! What a logout does to a renewal under way: the refresh token is being spent, so its successor
//! is revoked instead of dropped.

use std::future::pending;

use tokio::sync::watch;

/// Whether a logout gives logins back to the issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// It does.
    Revoke,
    /// It leaves them as they are.
    Leave,
}

/// Signals a renewal that its login was forgotten.
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

    /// The user signed out.
    pub(super) fn signal(&self, revocation: Revocation) {
        self.0.send_replace(Some(revocation));
    }
}

impl ForgetSignal {
    /// Returns what the logout wants, if the user signed out.
    pub(super) fn get(&self) -> Option<Revocation> {
        *self.0.borrow()
    }

    /// Waits until the user signs out.
    pub(crate) async fn wait(&self) -> Revocation {
        let mut signal = self.0.clone();
        let signalled = signal.wait_for(Option::is_some).await;
        match signalled.ok().and_then(|signalled| *signalled) {
            Some(revocation) => revocation,
            // Without its sender there is no logout to come for this renewal.
            None => pending().await,
        }
    }
}
