//! The auth manager: the one owner of the credential in force.
//!
//! It applies the rules of [`AuthState`]: wakes the callers that wait for a refresh, and notifies
//! clients of changes. `asking` requests newer tokens in a task of its own, so that a cancelled
//! caller does not end the refresh for the others (single flight). `expiry` renews tokens before
//! they expire, `follow` notices what other processes did to the store, `own` installs credentials that this program obtained itself, `restore` those from
//! before the process started.

mod asking;
mod attempt;
mod changes;
mod expiry;
mod follow;
mod forget;
mod freshness;
mod own;
mod restore;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use byokey_protocol::account::AccountUpdated;
use byokey_protocol::bearer_token::{BearerToken, BearerTokenLogin, BearerTokenRefreshParams};
use byokey_protocol::external_auth::{ExternalTokens, RefreshParams};
use byokey_protocol::secret::Secret;
use tokio::sync::{oneshot, watch};
use tokio::task::AbortHandle;

use super::credential::{Credential, ManagedLogin, PeerId};
use super::failure::{LoginRefusal, RecoveryFailure};
use super::issuer::Issuer;
use super::policy::LoginPolicy;
use super::renewal::Renewer;
use super::state::{AuthState, Generation, HostTokens, Recovered, Recovery, Transition};
use super::store::Store;
use crate::background::Background;
use asking::Asking;
pub use attempt::PendingLogin;
use byokey_base::clock::Clock;
pub use changes::CredentialChange;
use changes::OnChange;
use expiry::Due;
use follow::Followed;
pub use forget::Revocation;
pub(super) use forget::{Forget, ForgetSignal};
use freshness::LastRenewal;
pub use own::Forgotten;

/// The host in external auth.
pub trait Host: Send + Sync {
    /// Requests new tokens from the supplier or, when it is gone, from every other connection that
    /// can answer; the first answer that passes the check counts. Has a deadline.
    fn ask_refresh(
        &self,
        supplier: PeerId,
        params: RefreshParams,
        check: AnswerCheck,
    ) -> HostAnswer;

    /// Requests a new bearer token from the supplier, and from no other connection. Has a deadline.
    fn ask_bearer_refresh(
        &self,
        supplier: PeerId,
        params: BearerTokenRefreshParams,
    ) -> BearerAnswer;

    /// Returns whether the supplier also wants to be asked before its token expires.
    fn wants_proactive_refresh(&self, supplier: PeerId) -> bool;

    /// Notifies all clients that a refresh changed the account.
    fn account_updated(&self, update: AccountUpdated);
}

/// Checks an answer before it is adopted, and returns why it would be refused.
pub type AnswerCheck = Arc<dyn Fn(&HostTokens) -> Result<(), RecoveryFailure> + Send + Sync>;

/// The pending answer of the host.
pub type HostAnswer =
    Pin<Box<dyn Future<Output = Result<HostTokens, RecoveryFailure>> + Send + 'static>>;

/// The pending answer of the host that owns a bearer token.
pub type BearerAnswer =
    Pin<Box<dyn Future<Output = Result<BearerToken, RecoveryFailure>> + Send + 'static>>;

/// Dependencies of the auth manager.
pub struct Dependencies {
    /// The host that may own the login.
    pub host: Arc<dyn Host>,
    /// The issuer of tokens.
    pub issuer: Arc<dyn Issuer>,
    /// Persistence.
    pub store: Arc<dyn Store>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for Dependencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dependencies").finish_non_exhaustive()
    }
}

type Waiter = oneshot::Sender<Result<Recovered, RecoveryFailure>>;

/// The one owner of the credential in force.
pub struct AuthManager {
    state: Mutex<AuthState<Waiter>>,
    /// The task that requests newer tokens.
    asking: Mutex<Option<Asking>>,
    /// The timer of the token's expiry.
    watching: Mutex<Option<AbortHandle>>,
    signed_out: watch::Sender<()>,
    host: Arc<dyn Host>,
    renewer: Renewer,
    /// Serialises access to the store, so that its content agrees with the credential in force.
    store_turn: tokio::sync::Mutex<()>,
    /// The result of [`AuthManager::signed_out_unseen`].
    signed_out_unseen: Mutex<Option<Arc<ManagedLogin>>>,
    /// Revocations of superseded logins.
    revocations: Arc<Background>,
    /// The last renewal of a managed login.
    last_renewal: Mutex<Option<LastRenewal>>,
    /// The login that came from the store, or was stored.
    followed: Mutex<Option<Followed>>,
    on_change: OnChange,
}

/// The credential in force at one moment, for one call.
///
/// Drop it as soon as the call is sent: a credential is zeroized when its last lease is dropped.
#[derive(Debug)]
pub struct Lease {
    /// The credential.
    pub credential: Arc<Credential>,
    /// Its generation, to be named after a 401.
    pub generation: Generation,
    /// The connection that installed the account; `None` for this program itself.
    pub installed_by: Option<PeerId>,
    signed_out: watch::Receiver<()>,
}

impl Lease {
    /// Completes when the user logs out. Calls in flight are cancelled by it.
    pub fn signed_out(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut signed_out = self.signed_out.clone();
        async move {
            // The sender is dropped with the process, and the calls with it.
            drop(signed_out.changed().await);
        }
    }
}

impl fmt::Debug for AuthManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthManager").finish_non_exhaustive()
    }
}

impl AuthManager {
    /// Returns an auth manager without a credential.
    #[must_use]
    pub fn new(policy: LoginPolicy, dependencies: Dependencies) -> Arc<Self> {
        let Dependencies {
            host,
            issuer,
            store,
            clock,
        } = dependencies;
        let revocations = Arc::<Background>::default();
        Arc::new(Self {
            state: Mutex::new(AuthState::new(policy)),
            asking: Mutex::default(),
            watching: Mutex::default(),
            signed_out: watch::Sender::new(()),
            host,
            renewer: Renewer {
                issuer,
                store,
                clock,
                revocations: Arc::clone(&revocations),
            },
            store_turn: tokio::sync::Mutex::default(),
            signed_out_unseen: Mutex::default(),
            revocations,
            last_renewal: Mutex::default(),
            followed: Mutex::default(),
            on_change: OnChange::default(),
        })
    }

    /// Replaces the policy, after the configuration became readable.
    pub fn set_policy(&self, policy: LoginPolicy) {
        self.state().set_policy(policy);
    }

    /// Returns the workspaces to choose from; empty means any.
    #[must_use]
    pub fn allowed_workspaces(&self) -> Vec<String> {
        self.state().policy().allowed_workspaces.clone()
    }

    /// Returns the credential in force.
    #[must_use]
    pub fn lease(&self) -> Option<Lease> {
        let state = self.state();
        let credential = Arc::clone(state.credential()?);
        Some(Lease {
            credential,
            generation: state.generation(),
            installed_by: state.installed_by(),
            signed_out: self.signed_out.subscribe(),
        })
    }

    /// Reads the credential in force without a lease.
    pub fn read<T>(&self, read: impl FnOnce(Option<&Credential>) -> T) -> T {
        read(self.state().credential().map(Arc::as_ref))
    }

    /// Logs in with an API key that is not persisted. A managed login that it replaces is revoked.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`]; the credential in force is unchanged.
    pub fn login_api_key(
        self: &Arc<Self>,
        key: Secret,
        by: PeerId,
    ) -> Result<AccountUpdated, LoginRefusal> {
        let superseded = self.managed_in_force();
        let transition = self.state().login_api_key(key, by)?;
        let update = self.replaced(transition);
        self.revoke_superseded(superseded);
        Ok(update)
    }

    /// Logs in with tokens that the host owns. A managed login that was held in memory only is
    /// revoked.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`]; the credential in force is unchanged.
    pub fn login_external(
        self: &Arc<Self>,
        tokens: ExternalTokens,
        supplier: PeerId,
    ) -> Result<AccountUpdated, LoginRefusal> {
        let superseded = self.managed_in_force().filter(|_| !self.is_persistent());
        let transition = self.state().login_external(tokens, supplier)?;
        let update = self.replaced(transition);
        self.revoke_superseded(superseded);
        Ok(update)
    }

    /// Logs in with a bearer token that the host owns, for this normalised origin. A managed login
    /// that was held in memory only is revoked.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`]; the credential in force is unchanged.
    pub fn login_bearer(
        self: &Arc<Self>,
        login: BearerTokenLogin,
        origin: String,
        supplier: PeerId,
    ) -> Result<AccountUpdated, LoginRefusal> {
        let superseded = self.managed_in_force().filter(|_| !self.is_persistent());
        let transition = self.state().login_bearer(login, origin, supplier)?;
        let update = self.replaced(transition);
        self.revoke_superseded(superseded);
        Ok(update)
    }

    /// Checks whether a managed login may start.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`] states the reason.
    pub fn check_managed_login(&self) -> Result<(), LoginRefusal> {
        self.state().check_managed_login()
    }

    /// Recovers from a 401 of a call under this generation: asks the host or the issuer once for
    /// all waiting calls (single-flight), and returns when a newer credential is in force.
    ///
    /// # Errors
    ///
    /// [`RecoveryFailure`] when there is none. The next 401 asks again at once.
    pub async fn recover(
        self: &Arc<Self>,
        generation: Generation,
    ) -> Result<Recovered, RecoveryFailure> {
        let (waiter, answer) = oneshot::channel();
        let recovery = self.state().unauthorized(generation, waiter);
        match recovery {
            Recovery::Decided(_, outcome) => return outcome,
            Recovery::Joined => {}
            Recovery::Ask(order) => self.ask(order),
        }
        // A refresh that is over wakes its waiters; they are dropped where its task panicked.
        answer.await.unwrap_or(Err(RecoveryFailure::Interrupted))
    }

    /// Returns whether a call under this generation is known to be refused: a 401 said so, and the
    /// refresh that followed is in flight or succeeded.
    #[must_use]
    pub fn is_refused(&self, generation: Generation) -> bool {
        self.state().is_refused(generation)
    }

    /// Completes a login: it settled a refresh in flight.
    fn replaced(self: &Arc<Self>, transition: Transition<Waiter>) -> AccountUpdated {
        let asking = lock(&self.asking).take_if(|asking| matches!(asking, Asking::Host(_)));
        self.on_change.call(CredentialChange::Login);
        self.settled(transition, asking, Revocation::Leave)
    }

    /// Ends the refresh task and wakes the calls that waited for it.
    fn settled(
        self: &Arc<Self>,
        transition: Transition<Waiter>,
        asking: Option<Asking>,
        revocation: Revocation,
    ) -> AccountUpdated {
        if let Some(asking) = asking {
            asking.end(revocation);
        }
        self.watch_expiry(Due::NowOrLater);
        wake(transition)
    }

    fn state(&self) -> MutexGuard<'_, AuthState<Waiter>> {
        lock(&self.state)
    }
}

/// Ignores poisoning: each change of the state is complete before anything can panic, so a panic
/// must not disable authentication.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wake<U>(transition: Transition<Waiter, U>) -> U {
    for waiter in transition.waiters {
        // The receiver is dropped if the caller was cancelled.
        drop(waiter.send(transition.outcome.clone()));
    }
    transition.update
}
