//! Credentials that this program obtains itself: it looks up their owner at the issuer, persists
//! them, renews them on demand, and revokes them.

use std::sync::Arc;
use std::time::Duration;

use byokey_protocol::account::AccountUpdated;
use byokey_protocol::secret::Secret;

use super::{AuthManager, CredentialChange, PendingLogin, Revocation, lock};
use crate::credential::{Credential, ManagedLogin, OwnCredential, PersonalAccessToken};
use crate::failure::{LoginRefusal, OwnLoginFailure};
use crate::state::Epoch;
use crate::store::{Saving, Store, StoreFailure, Stored};
use byokey_base::memory::lock_in_memory;

/// The managed login that a logout removed, if it was one.
#[derive(Debug)]
pub struct Forgotten(pub(super) Option<Arc<ManagedLogin>>);

impl AuthManager {
    /// Returns the count of logins and logouts. A login in progress records it at its beginning.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.state().epoch()
    }

    /// Checks whether a host's tokens may be installed.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`] states the reason.
    pub fn check_external_login(&self) -> Result<(), LoginRefusal> {
        self.state().check_external_login()
    }

    /// Checks whether a host's bearer token may be installed.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`] states the reason.
    pub fn check_bearer_login(&self) -> Result<(), LoginRefusal> {
        self.state().check_bearer_login()
    }

    /// Checks whether an API key may be installed.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`] states the reason.
    pub fn check_api_key_login(&self) -> Result<(), LoginRefusal> {
        self.state().check_api_key_login()
    }

    /// Checks whether a personal access token may be installed.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`] states the reason.
    pub fn check_personal_login(&self) -> Result<(), LoginRefusal> {
        self.state().check_personal_login()
    }

    /// Returns whether credentials are persisted.
    #[must_use]
    pub fn is_persistent(&self) -> bool {
        self.renewer.store.is_persistent()
    }

    /// Returns warnings about where the login is stored, one sentence each.
    #[must_use]
    pub fn store_warnings(&self) -> Vec<String> {
        self.renewer.store.warnings()
    }

    /// Checks whether the store can save a login, before the user logs in.
    ///
    /// # Errors
    ///
    /// [`StoreFailure`] states the reason.
    pub async fn check_store(&self) -> Result<(), StoreFailure> {
        self.renewer.store.check().await
    }

    /// Looks up the owner of a personal access token at the issuer. The result is not installed
    /// yet.
    ///
    /// # Errors
    ///
    /// [`OwnLoginFailure`]; a token without a confirmed owner is refused.
    pub async fn introspect(&self, token: Secret) -> Result<OwnCredential, OwnLoginFailure> {
        let token = PersonalAccessToken::check(token).map_err(LoginRefusal::Invalid)?;
        let token = lock_in_memory(token);
        let owner = self.renewer.issuer.whoami(&token).await;
        let owner = owner.map_err(|failure| OwnLoginFailure::Issuer {
            doing: "failed to request personal access token metadata",
            failure,
        })?;
        let token = PersonalAccessToken::new(token, owner).map_err(LoginRefusal::Invalid)?;
        Ok(OwnCredential::PersonalAccessToken(token))
    }

    /// Logs in: saves the credential where there is a store, then installs it. A managed login that
    /// it replaces, in force or stored, is revoked.
    ///
    /// # Errors
    ///
    /// [`OwnLoginFailure`]; the credential in force is unchanged.
    pub async fn login_own(
        self: &Arc<Self>,
        credential: OwnCredential,
        login: PendingLogin,
    ) -> Result<AccountUpdated, OwnLoginFailure> {
        let (update, superseded) = self.persist_and_replace(credential, login).await?;
        self.revoke_superseded(superseded);
        Ok(update)
    }

    /// Logs in with a login that another program continues to use. The replaced login is not
    /// revoked, because it may be the same one, taken over earlier.
    ///
    /// # Errors
    ///
    /// As [`AuthManager::login_own`].
    pub async fn import(
        self: &Arc<Self>,
        credential: OwnCredential,
        login: PendingLogin,
    ) -> Result<AccountUpdated, OwnLoginFailure> {
        let (update, _) = self.persist_and_replace(credential, login).await?;
        Ok(update)
    }

    /// Logs in. Also returns the managed login that was replaced.
    async fn persist_and_replace(
        self: &Arc<Self>,
        credential: OwnCredential,
        login: PendingLogin,
    ) -> Result<(AccountUpdated, Option<Arc<ManagedLogin>>), OwnLoginFailure> {
        let _turn = self.store_turn.lock().await;
        self.check_pending(&credential, &login)?;
        let store = &self.renewer.store;
        let mut superseded = self.managed_in_force();
        let mut stamp = None;
        if store.is_persistent() {
            let stored = credential.stored();
            let _lock = store.lock().await?;
            if superseded.is_none() {
                superseded = managed_in(&**store).await?;
            }
            store.save(stored, Saving::Login).await?;
            stamp = store.stamp();
            let overtaken = self.check_pending(&credential, &login);
            if let Err(refusal) = overtaken {
                // A superseded login must not be stored.
                store.remove().await?;
                return Err(refusal.into());
            }
        }
        let transition = self.state().login_own(credential, login.epoch, login.by)?;
        let update = self.replaced(transition);
        self.follow(stamp);
        Ok((update, superseded))
    }

    /// Checks that the login would be accepted and is still wanted.
    fn check_pending(
        &self,
        credential: &OwnCredential,
        login: &PendingLogin,
    ) -> Result<(), LoginRefusal> {
        self.state().check_own(credential, login.epoch)?;
        if login.is_cancelled() {
            return Err(LoginRefusal::Cancelled);
        }
        Ok(())
    }

    /// Returns whether the credential is a managed login, the only kind that can be renewed on
    /// demand.
    #[must_use]
    pub fn is_managed(&self) -> bool {
        self.read(|credential| matches!(credential, Some(Credential::Managed(_))))
    }

    /// Returns whether the login in force is known not to be renewable any more.
    #[must_use]
    pub fn needs_reauth(&self) -> bool {
        self.state().permanent_failure().is_some()
    }

    /// Drops the credential at once and cancels the calls that use it. The stored login remains
    /// until [`AuthManager::clear_store`]. A renewal in flight ends; the successor of a refresh
    /// token that it spent is revoked, if the caller revokes the forgotten login too.
    pub fn logout(self: &Arc<Self>, revocation: Revocation) -> (AccountUpdated, Forgotten) {
        let forgotten = self.managed_in_force();
        let transition = self.state().logout();
        self.signed_out.send_replace(());
        self.on_change.call(CredentialChange::Logout);
        let asking = lock(&self.asking).take();
        let update = self.settled(transition, asking, revocation);
        (update, Forgotten(forgotten))
    }

    /// Removes the stored login.
    ///
    /// # Errors
    ///
    /// [`StoreFailure`]; the login may still be stored.
    pub async fn clear_store(&self) -> Result<bool, StoreFailure> {
        let store = &self.renewer.store;
        if !store.is_persistent() {
            return Ok(false);
        }
        let _turn = self.store_turn.lock().await;
        let _lock = store.lock().await?;
        store.remove().await
    }

    /// Removes the stored login after the logout of this epoch, unless a later login is stored.
    ///
    /// # Errors
    ///
    /// As [`AuthManager::clear_store`].
    pub async fn clear_store_after(&self, logout: Epoch) -> Result<(), StoreFailure> {
        let store = &self.renewer.store;
        if !store.is_persistent() {
            return Ok(());
        }
        let _turn = self.store_turn.lock().await;
        if self.has_successor(logout, Credential::is_stored) {
            return Ok(());
        }
        let _lock = store.lock().await?;
        store.remove().await?;
        Ok(())
    }

    /// Returns whether a later login than the logout of this epoch is in force.
    #[must_use]
    pub fn is_overtaken(&self, logout: Epoch) -> bool {
        self.has_successor(logout, |_| true)
    }

    fn has_successor(&self, logout: Epoch, is_one: impl FnOnce(&Credential) -> bool) -> bool {
        self.epoch() != logout && self.read(|credential| credential.is_some_and(is_one))
    }

    /// Revokes a forgotten login at the issuer, best effort. One without a refresh token belongs to
    /// another program, and expires by itself.
    pub async fn revoke(&self, forgotten: Forgotten) {
        let Some(login) = forgotten.0.as_deref() else {
            return;
        };
        let Some(refresh_token) = &login.tokens().refresh_token else {
            return;
        };
        let revoked = self.renewer.issuer.revoke(refresh_token);
        // The login is dropped before the issuer answers.
        drop(forgotten);
        if let Err(failure) = revoked.await {
            tracing::warn!("the issuer did not revoke the login: {failure}");
        }
    }

    /// Waits until no save is in progress.
    pub async fn settle_store(&self) {
        drop(self.store_turn.lock().await);
    }

    /// Waits for the revocations of superseded logins, with a timeout.
    pub async fn finish(&self, patience: Duration) {
        self.revocations.finish(patience).await;
    }

    pub(super) fn managed_in_force(&self) -> Option<Arc<ManagedLogin>> {
        self.read(|credential| match credential {
            Some(Credential::Managed(login)) => Some(Arc::clone(login)),
            _ => None,
        })
    }

    /// Revokes a replaced login, unless its successor has the same tokens.
    pub(super) fn revoke_superseded(self: &Arc<Self>, superseded: Option<Arc<ManagedLogin>>) {
        let is_over = |old: &ManagedLogin| {
            !self.read(|new| match new {
                Some(Credential::Managed(new)) => old.has_same_tokens(new),
                _ => false,
            })
        };
        if let Some(old) = superseded.filter(|old| is_over(old)) {
            let manager = Arc::clone(self);
            let revoked = async move { manager.revoke(Forgotten(Some(old))).await };
            self.revocations.spawn(revoked);
        }
    }
}

/// Returns the stored managed login. An invalid one cannot be revoked.
async fn managed_in(store: &dyn Store) -> Result<Option<Arc<ManagedLogin>>, StoreFailure> {
    let Some(Stored::Managed(tokens)) = store.load().await? else {
        return Ok(None);
    };
    Ok(ManagedLogin::new(tokens).ok().map(Arc::new))
}

impl Forgotten {
    /// Returns whether there is a login that the issuer could revoke.
    #[must_use]
    pub const fn is_revocable(&self) -> bool {
        self.0.is_some()
    }
}
