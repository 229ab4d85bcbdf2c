//! Renews a managed login: uses the result of another process if there is one, otherwise spends the
//! refresh token, and saves its successor before use (rotation).

use std::sync::Arc;

use super::credential::{InvalidCredential, ManagedLogin, RenewedTokens};
use super::failure::RecoveryFailure;
use super::issuer::{Issuer, IssuerAnswer, IssuerFailure};
use super::manager::{ForgetSignal, Revocation};
use super::permanent::PermanentFailure;
use super::state::Renewal;
use super::store::{Saving, Store, StoreLock, Stored};
use crate::background::Background;
use byokey_base::clock::Clock;

/// Dependencies of a renewal.
pub(super) struct Renewer {
    pub(super) issuer: Arc<dyn Issuer>,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) revocations: Arc<Background>,
}

impl Renewer {
    /// Returns a newer login of the same account. `permanent_failure` is why the issuer will not renew these
    /// tokens; then only the store can help. Ends when the user logs out meanwhile.
    pub(super) async fn renew(
        &self,
        login: &ManagedLogin,
        permanent_failure: Option<PermanentFailure>,
        forgotten: &ForgetSignal,
    ) -> Result<Renewal, RecoveryFailure> {
        let looked = tokio::select! {
            looked = self.look_into_store(login) => looked?,
            _ = forgotten.wait() => return Err(RecoveryFailure::SignedOut),
        };
        let lock = match looked {
            (_, Some(newer)) => return Ok(Renewal::Store(newer)),
            (lock, None) => lock,
        };
        if let Some(permanent_failure) = permanent_failure {
            return Err(RecoveryFailure::Permanent(permanent_failure));
        }
        let Some(refresh_token) = &login.tokens().refresh_token else {
            return Err(RecoveryFailure::Permanent(PermanentFailure::Other));
        };
        // The refresh token is valid once, so the store must be ready for its successor. A login in
        // memory only has nothing to lose.
        if login.is_saved {
            let writable = self.store.check().await;
            writable.map_err(RecoveryFailure::Store)?;
        }
        let mut answer = self.issuer.refresh(refresh_token);
        let answer = tokio::select! {
            answer = &mut answer => answer,
            revocation = forgotten.wait() => {
                if revocation == Revocation::Revoke {
                    self.revocations.spawn(revoke_successor(Arc::clone(&self.issuer), answer));
                }
                return Err(RecoveryFailure::SignedOut);
            }
        };
        let answer = answer.map_err(|failure| match failure {
            IssuerFailure::Permanent(permanent) => RecoveryFailure::Permanent(permanent),
            failure => RecoveryFailure::Issuer(failure),
        })?;
        let mut renewed = login
            .renewed(answer, self.clock.unix_seconds())
            .map_err(|invalid| {
                tracing::warn!("the issuer's answer to a refresh cannot be used: {invalid}");
                RecoveryFailure::Permanent(unusable(invalid))
            })?;
        let kept = Stored::Managed(renewed.tokens().duplicate());
        if let Err(failure) = self.store.save(kept, Saving::Renewal).await {
            // The refresh token is spent: dropping its successor would lose the login.
            tracing::error!("renewed tokens stay in memory only: {failure}");
            renewed.is_saved = false;
        }
        drop(lock);
        Ok(Renewal::Issuer(Arc::new(renewed)))
    }

    /// Locks the store and checks whether another process has renewed the login.
    async fn look_into_store(
        &self,
        login: &ManagedLogin,
    ) -> Result<(StoreLock, Option<Arc<ManagedLogin>>), RecoveryFailure> {
        let lock = self.store.lock().await.map_err(RecoveryFailure::Store)?;
        let newer = self.newer_in_store(login).await?;
        Ok((lock, newer))
    }

    /// Returns the stored login, if another process has renewed ours.
    async fn newer_in_store(
        &self,
        login: &ManagedLogin,
    ) -> Result<Option<Arc<ManagedLogin>>, RecoveryFailure> {
        if !self.store.is_persistent() || !login.is_saved {
            return Ok(None);
        }
        let mismatch = RecoveryFailure::Permanent(PermanentFailure::Mismatch);
        match self.store.load().await.map_err(RecoveryFailure::Store)? {
            Some(Stored::Managed(tokens)) => {
                let stored = ManagedLogin::new(tokens).map_err(|_| mismatch.clone())?;
                if !stored.is_same_account(login) {
                    return Err(mismatch);
                }
                let newer = Some(stored).filter(|stored| !stored.has_same_tokens(login));
                Ok(newer.map(Arc::new))
            }
            _ => Err(mismatch),
        }
    }
}

/// Returns why tokens of the issuer cannot be used. The refresh token is spent by then, so no other
/// attempt can succeed.
const fn unusable(invalid: InvalidCredential) -> PermanentFailure {
    match invalid {
        InvalidCredential::AccountsDiffer => PermanentFailure::Mismatch,
        _ => PermanentFailure::Other,
    }
}

/// Awaits the successor of a spent refresh token and revokes it: the user has logged out meanwhile.
async fn revoke_successor(issuer: Arc<dyn Issuer>, answer: IssuerAnswer<RenewedTokens>) {
    let Ok(RenewedTokens {
        refresh_token: Some(refresh_token),
        ..
    }) = answer.await
    else {
        return;
    };
    let revoked = issuer.revoke(&refresh_token);
    // The login is dropped before the issuer answers.
    drop(refresh_token);
    if let Err(failure) = revoked.await {
        tracing::warn!("the issuer did not revoke the login: {failure}");
    }
}
