//! The wait of a call for a newer credential after a 401. `outcome` decides whether there is one.

use super::{Backend, Call, Renewal};
use byokey_auth::{Generation, Recovered, RecoveryFailure};

impl Backend {
    /// Waits for a newer credential, and reports that it does; nothing is reported where one is in
    /// force already.
    pub(super) async fn recover(
        &self,
        call: &Call<'_>,
        generation: Generation,
    ) -> Result<Recovered, RecoveryFailure> {
        let in_force = self.auth.lease().map(|lease| lease.generation);
        let report = |renewal| {
            let on_renewal = call.on_renewal.filter(|_| in_force == Some(generation));
            if let Some(on_renewal) = on_renewal {
                on_renewal(renewal);
            }
        };
        report(Renewal::Started);
        let recovered = self.auth.recover(generation).await;
        if recovered.is_ok() {
            report(Renewal::Completed);
        }
        recovered
    }
}
