//! The wait of a call for a newer credential after a 401. `outcome` decides whether there is one.

use super::{Backend, BackendError, Call, Renewal};
use std::sync::Arc;

use byokey_auth::{AuthManager, Generation, Lease, Recovered, RecoveryFailure};

impl Backend {
    /// Returns the credential that takes the place of a refused one, of the same manager.
    pub(super) async fn renew(
        &self,
        call: &Call<'_>,
        refused: Option<Lease>,
        generation: Generation,
    ) -> Result<(Recovered, Lease), BackendError> {
        let manager = refused.as_ref().map(|lease| Arc::clone(&lease.manager));
        // Its secret is not held while the host is asked.
        drop(refused);
        let manager = manager.ok_or(BackendError::SignedOut)?;
        let recovered = self.recover(call, &manager, generation).await;
        let recovered = recovered.map_err(BackendError::Recovery)?;
        let renewed = manager.lease().ok_or(BackendError::SignedOut)?;
        Ok((recovered, renewed))
    }

    /// Waits for a newer credential, and reports that it does; nothing is reported where one is in
    /// force already.
    async fn recover(
        &self,
        call: &Call<'_>,
        manager: &Arc<AuthManager>,
        generation: Generation,
    ) -> Result<Recovered, RecoveryFailure> {
        let in_force = manager.lease().map(|lease| lease.generation);
        let report = |renewal| {
            let on_renewal = call.on_renewal.filter(|_| in_force == Some(generation));
            if let Some(on_renewal) = on_renewal {
                on_renewal(renewal);
            }
        };
        report(Renewal::Started);
        let recovered = manager.recover(generation).await;
        if recovered.is_ok() {
            report(Renewal::Completed);
        }
        recovered
    }
}
