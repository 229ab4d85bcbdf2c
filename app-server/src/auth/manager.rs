//! The auth manager: the one owner of the credential in force.
//!
//! It puts the rules of [`AuthState`] to work: wakes those who wait for a refresh, asks the host
//! in a task of its own, so that a caller who gives up does not end the refresh for the others,
//! and tells everybody of changes.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use byokey_protocol::account::AccountUpdated;
use byokey_protocol::external_auth::{ExternalTokens, RefreshParams};
use byokey_protocol::secret::Secret;
use tokio::sync::{oneshot, watch};
use tokio::task::AbortHandle;

use super::credential::{Credential, Supplier};
use super::failure::{LoginRefusal, RecoveryFailure};
use super::policy::LoginPolicy;
use super::state::{AuthState, Generation, HostTokens, Recovery, RefreshOrder, Settlement};
use crate::clock::Clock;

/// How long before its expiry a token is renewed unasked.
const RENEW_BEFORE: i64 = 60;
/// How often the time of day is looked at again, since it may be set or stand still in between.
const LOOK_AGAIN: Duration = Duration::from_secs(600);

/// The host's side of external auth.
pub trait Host: Send + Sync {
    /// Asks for new tokens: the supplier, or whoever else can answer. Keeps the deadline.
    fn ask_refresh(&self, supplier: Supplier, params: RefreshParams) -> HostAnswer;

    /// Whether the supplier also wants to be asked before its token expires.
    fn wants_proactive_refresh(&self, supplier: Supplier) -> bool;

    /// Tells everybody that a refresh changed the account.
    fn account_updated(&self, update: AccountUpdated);
}

/// The host's answer to come.
pub type HostAnswer =
    Pin<Box<dyn Future<Output = Result<HostTokens, RecoveryFailure>> + Send + 'static>>;

/// Which expiries have a token renewed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    /// Also one that is past: the host may not know.
    NowOrLater,
    /// Only one to come. A host that answers with an expired token would be asked for ever.
    Later,
}

type Waiter = oneshot::Sender<Result<(), RecoveryFailure>>;

/// The one owner of the credential in force.
pub struct AuthManager {
    state: Mutex<AuthState<Waiter>>,
    /// The task that asks the host.
    asking: Mutex<Option<AbortHandle>>,
    /// The task that waits for the token to expire.
    watching: Mutex<Option<AbortHandle>>,
    signed_out: watch::Sender<()>,
    host: Arc<dyn Host>,
    clock: Arc<dyn Clock>,
}

/// The credential in force at one moment, for one call.
///
/// Drop it as soon as the call is sent: a credential is wiped when its last lease is gone.
#[derive(Debug)]
pub struct Lease {
    /// The credential.
    pub credential: Arc<Credential>,
    /// Its generation, to be named when it is refused.
    pub generation: Generation,
    signed_out: watch::Receiver<()>,
}

impl Lease {
    /// Ends when the user signs out. Calls under way end with it.
    pub fn signed_out(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut signed_out = self.signed_out.clone();
        async move {
            // The sender ends with the process, and the calls with it.
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
    /// Nobody signed in.
    #[must_use]
    pub fn new(policy: LoginPolicy, host: Arc<dyn Host>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(AuthState::new(policy)),
            asking: Mutex::default(),
            watching: Mutex::default(),
            signed_out: watch::Sender::new(()),
            host,
            clock,
        })
    }

    /// The credential in force.
    #[must_use]
    pub fn lease(&self) -> Option<Lease> {
        let state = self.state();
        let credential = Arc::clone(state.credential()?);
        let generation = state.generation();
        Some(Lease {
            credential,
            generation,
            signed_out: self.signed_out.subscribe(),
        })
    }

    /// Reads the credential in force, without keeping it.
    pub fn read<T>(&self, read: impl FnOnce(Option<&Credential>) -> T) -> T {
        read(self.state().credential().map(Arc::as_ref))
    }

    /// Signs in with an API key.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`]; the credential in force stays.
    pub fn login_api_key(self: &Arc<Self>, key: Secret) -> Result<AccountUpdated, LoginRefusal> {
        let settlement = self.state().login_api_key(key)?;
        Ok(self.replaced(settlement))
    }

    /// Signs in with tokens that the host owns.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`]; the credential in force stays.
    pub fn login_external(
        self: &Arc<Self>,
        tokens: ExternalTokens,
        supplier: Supplier,
    ) -> Result<AccountUpdated, LoginRefusal> {
        let settlement = self.state().login_external(tokens, supplier)?;
        Ok(self.replaced(settlement))
    }

    /// Whether a login that this server would run itself may start.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`] says why not.
    pub fn check_managed_login(&self) -> Result<(), LoginRefusal> {
        self.state().check_managed_login()
    }

    /// Forgets the credential, at once, and ends the calls that use it.
    pub fn logout(self: &Arc<Self>) -> AccountUpdated {
        let settlement = self.state().logout();
        self.signed_out.send_replace(());
        self.replaced(settlement)
    }

    /// Gets past a 401 that a call under this generation met: asks the host once, however many
    /// calls ask, and returns when a newer credential is in force.
    ///
    /// # Errors
    ///
    /// [`RecoveryFailure`] when there is none to be had. The next 401 asks again at once.
    pub async fn recover(self: &Arc<Self>, generation: Generation) -> Result<(), RecoveryFailure> {
        let (waiter, answer) = oneshot::channel();
        let recovery = self.state().unauthorized(generation, waiter);
        match recovery {
            Recovery::Decided(_, outcome) => return outcome,
            Recovery::Joined => {}
            Recovery::Ask(order) => self.ask(order),
        }
        answer.await.unwrap_or(Err(RecoveryFailure::SignedOut))
    }

    fn ask(self: &Arc<Self>, order: RefreshOrder) {
        let RefreshOrder {
            ticket,
            supplier,
            params,
        } = order;
        let answer = self.host.ask_refresh(supplier, params);
        let manager = Arc::clone(self);
        let task = tokio::spawn(async move {
            let answer = answer.await;
            let settlement = manager.state().refreshed(ticket, answer);
            let Some(settlement) = settlement else { return };
            let update = settlement.update;
            if settlement.outcome.is_ok() {
                manager.watch_expiry(Due::Later);
            }
            wake(settlement);
            if let Some(update) = update {
                manager.host.account_updated(update);
            }
        });
        lock(&self.asking).replace(task.abort_handle());
    }

    /// A login or logout settled whatever was in flight.
    fn replaced(self: &Arc<Self>, settlement: Settlement<Waiter>) -> AccountUpdated {
        if let Some(asking) = lock(&self.asking).take() {
            asking.abort();
        }
        self.watch_expiry(Due::NowOrLater);
        let update = settlement.update;
        wake(settlement);
        update.unwrap_or(AccountUpdated {
            auth_mode: None,
            plan_type: None,
        })
    }

    /// Has the token renewed a minute before it expires, if its supplier wants that.
    fn watch_expiry(self: &Arc<Self>, when: Due) {
        let due = self.state().credential().and_then(|credential| {
            let login = credential.chatgpt()?;
            let wanted = self.host.wants_proactive_refresh(login.supplier);
            login
                .expires_at
                .filter(|_| wanted)
                .map(|expires_at| expires_at - RENEW_BEFORE)
        });
        let due = due.filter(|due| when == Due::NowOrLater || *due > self.clock.unix_seconds());
        let generation = self.state().generation();
        let task = due.map(|due| {
            let manager = Arc::clone(self);
            let task = tokio::spawn(async move {
                while let Ok(wait @ 1..) = u64::try_from(due - manager.clock.unix_seconds()) {
                    tokio::time::sleep(Duration::from_secs(wait).min(LOOK_AGAIN)).await;
                }
                let order = manager.state().expiring(generation);
                if let Some(order) = order {
                    manager.ask(order);
                }
            });
            task.abort_handle()
        });
        if let Some(previous) = std::mem::replace(&mut *lock(&self.watching), task) {
            previous.abort();
        }
    }

    fn state(&self) -> MutexGuard<'_, AuthState<Waiter>> {
        lock(&self.state)
    }
}

/// A panic while the lock was held is no reason to refuse everybody after it: each change of the
/// state is complete before anything can panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wake(settlement: Settlement<Waiter>) {
    for waiter in settlement.waiters {
        // Whoever gave up waiting is not interested.
        drop(waiter.send(settlement.outcome.clone()));
    }
}
