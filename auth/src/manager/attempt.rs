//! A login in progress: when it began, for which connection, and whether it is still wanted.

use tokio::sync::watch;

use super::AuthManager;
use crate::credential::PeerId;
use crate::state::Epoch;

/// A login in progress. A login or logout after its beginning wins over it.
#[derive(Clone, Debug)]
pub struct PendingLogin {
    pub(super) epoch: Epoch,
    pub(super) by: Option<PeerId>,
    cancelled: Option<watch::Receiver<bool>>,
}

impl AuthManager {
    /// Begins a login at the request of that connection; `None` for this program itself.
    #[must_use]
    pub fn begin_login(&self, by: Option<PeerId>) -> PendingLogin {
        PendingLogin {
            epoch: self.epoch(),
            by,
            cancelled: None,
        }
    }
}

impl PendingLogin {
    /// Returns the login, which then also ends when this becomes true.
    #[must_use]
    pub fn until(self, cancelled: watch::Receiver<bool>) -> Self {
        Self {
            cancelled: Some(cancelled),
            ..self
        }
    }

    /// Returns whether the login was cancelled.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.as_ref().is_some_and(|it| *it.borrow())
    }
}
