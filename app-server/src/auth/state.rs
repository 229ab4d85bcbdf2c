//! The rules of the credential in force: who may replace it, and what follows a 401.
//!
//! Nothing here waits, sends or reads a clock. `W` is whoever waits for a refresh; the caller
//! wakes those whom a [`Settlement`] names.

use std::mem;
use std::sync::Arc;

use byokey_protocol::account::AccountUpdated;
use byokey_protocol::external_auth::{ExternalTokens, RefreshParams, RefreshReason};
use byokey_protocol::secret::Secret;

use super::credential::{ApiKey, Credential, ExternalLogin, Supplier};
use super::failure::{LoginRefusal, RecoveryFailure};
use super::policy::{ForcedMethod, LoginPolicy};

/// Counts the changes of the credential. What was begun under an older one has no say any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(u64);

/// Names one refresh. There is at most one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u64);

/// What to ask the host.
#[derive(Debug, PartialEq, Eq)]
pub struct RefreshOrder {
    /// Comes back with the answer.
    pub ticket: Ticket,
    /// Whom to ask first.
    pub supplier: Supplier,
    /// What to ask.
    pub params: RefreshParams,
}

/// Tokens by which a host answered a refresh.
#[derive(Debug)]
pub struct HostTokens {
    /// The tokens, not yet checked.
    pub tokens: ExternalTokens,
    /// Who answered; it is the one to ask next time.
    pub supplier: Supplier,
}

/// Those who waited for a refresh, what they are told, and what everybody is told.
#[derive(Debug)]
#[must_use = "those who wait must be woken"]
pub struct Settlement<W> {
    /// Whom to wake.
    pub waiters: Vec<W>,
    /// Whether they can try again.
    pub outcome: Result<(), RecoveryFailure>,
    /// The news, if the account changed.
    pub update: Option<AccountUpdated>,
}

/// What follows a 401.
#[derive(Debug)]
pub enum Recovery<W> {
    /// It is decided: try again, or give up.
    Decided(W, Result<(), RecoveryFailure>),
    /// Wait for the refresh in flight.
    Joined,
    /// Wait for the refresh that has to be asked for now.
    Ask(RefreshOrder),
}

/// The credential in force and the refresh in flight, if there is one.
#[derive(Debug)]
pub struct AuthState<W> {
    policy: LoginPolicy,
    credential: Option<Arc<Credential>>,
    generation: Generation,
    refresh: Option<Refresh<W>>,
    tickets: u64,
}

#[derive(Debug)]
struct Refresh<W> {
    ticket: Ticket,
    waiters: Vec<W>,
}

impl<W> AuthState<W> {
    /// Nobody signed in.
    #[must_use]
    pub const fn new(policy: LoginPolicy) -> Self {
        Self {
            policy,
            credential: None,
            generation: Generation(0),
            refresh: None,
            tickets: 0,
        }
    }

    /// The credential in force.
    #[must_use]
    pub const fn credential(&self) -> Option<&Arc<Credential>> {
        self.credential.as_ref()
    }

    /// How often the credential changed.
    #[must_use]
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    /// Whether a refresh is in flight.
    #[must_use]
    pub const fn is_refreshing(&self) -> bool {
        self.refresh.is_some()
    }

    /// Signs in with an API key.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`]; the credential in force stays.
    pub fn login_api_key(&mut self, key: Secret) -> Result<Settlement<W>, LoginRefusal> {
        if self.external().is_some() {
            return Err(LoginRefusal::ExternalAuthActive);
        }
        if self.policy.forced_method == Some(ForcedMethod::Chatgpt) {
            return Err(LoginRefusal::ApiKeyDisabled);
        }
        let key = ApiKey::new(key)?;
        Ok(self.replace(Credential::ApiKey(key)))
    }

    /// Signs in with tokens that the host owns. They may stand over any credential, and settle
    /// the refresh in flight: what the host hands over unasked is the newest.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`]; the credential in force stays.
    pub fn login_external(
        &mut self,
        tokens: ExternalTokens,
        supplier: Supplier,
    ) -> Result<Settlement<W>, LoginRefusal> {
        if self.policy.forced_method == Some(ForcedMethod::Api) {
            return Err(LoginRefusal::ExternalDisabled);
        }
        let login = ExternalLogin::new(tokens, supplier)?;
        if !self.policy.allows_workspace(&login.account_id) {
            return Err(LoginRefusal::Workspace {
                received: login.account_id,
                allowed: self.policy.allowed_workspaces.clone(),
            });
        }
        Ok(self.replace(Credential::External(login)))
    }

    /// Whether a login that this server would run itself may start.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`] says why not.
    pub fn check_managed_login(&self) -> Result<(), LoginRefusal> {
        if self.external().is_some() {
            return Err(LoginRefusal::ExternalAuthActive);
        }
        if self.policy.forced_method == Some(ForcedMethod::Api) {
            return Err(LoginRefusal::ChatgptDisabled);
        }
        Ok(())
    }

    /// Forgets the credential, at once. Those who wait for a refresh fail.
    pub fn logout(&mut self) -> Settlement<W> {
        self.credential = None;
        self.generation.0 += 1;
        Settlement {
            waiters: self.take_waiters(),
            outcome: Err(RecoveryFailure::SignedOut),
            update: Some(AccountUpdated {
                auth_mode: None,
                plan_type: None,
            }),
        }
    }

    /// A call made under that generation was answered with 401.
    pub fn unauthorized(&mut self, generation: Generation, waiter: W) -> Recovery<W> {
        let Some(credential) = &self.credential else {
            return Recovery::Decided(waiter, Err(RecoveryFailure::SignedOut));
        };
        if generation != self.generation {
            return Recovery::Decided(waiter, Ok(()));
        }
        let Some(login) = credential.chatgpt() else {
            return Recovery::Decided(waiter, Err(RecoveryFailure::NotRefreshable));
        };
        if let Some(refresh) = &mut self.refresh {
            refresh.waiters.push(waiter);
            return Recovery::Joined;
        }
        let (supplier, previous) = (login.supplier, login.account_id.clone());
        Recovery::Ask(self.begin_refresh(
            RefreshReason::Unauthorized,
            supplier,
            previous,
            vec![waiter],
        ))
    }

    /// The token of that generation is about to expire. Does nothing if it was replaced, or if
    /// a refresh is in flight already.
    pub fn expiring(&mut self, generation: Generation) -> Option<RefreshOrder> {
        if generation != self.generation || self.refresh.is_some() {
            return None;
        }
        let login = self.external()?;
        let (supplier, previous) = (login.supplier, login.account_id.clone());
        Some(self.begin_refresh(RefreshReason::Expiring, supplier, previous, Vec::new()))
    }

    /// The refresh came to an end. An answer for any other than the refresh in flight is late
    /// and ignored.
    pub fn refreshed(
        &mut self,
        ticket: Ticket,
        answer: Result<HostTokens, RecoveryFailure>,
    ) -> Option<Settlement<W>> {
        if self.refresh.as_ref()?.ticket != ticket {
            return None;
        }
        let waiters = self.take_waiters();
        Some(match answer.and_then(|tokens| self.adopt(tokens)) {
            Ok(update) => Settlement {
                waiters,
                outcome: Ok(()),
                update,
            },
            Err(failure) => Settlement {
                waiters,
                outcome: Err(failure),
                update: None,
            },
        })
    }

    fn external(&self) -> Option<&ExternalLogin> {
        self.credential.as_ref()?.chatgpt()
    }

    fn replace(&mut self, credential: Credential) -> Settlement<W> {
        let update = credential.update();
        self.credential = Some(Arc::new(credential));
        self.generation.0 += 1;
        Settlement {
            waiters: self.take_waiters(),
            outcome: Ok(()),
            update: Some(update),
        }
    }

    fn take_waiters(&mut self) -> Vec<W> {
        mem::take(&mut self.refresh).map_or_else(Vec::new, |refresh| refresh.waiters)
    }

    fn begin_refresh(
        &mut self,
        reason: RefreshReason,
        supplier: Supplier,
        previous_account_id: String,
        waiters: Vec<W>,
    ) -> RefreshOrder {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.refresh = Some(Refresh { ticket, waiters });
        let previous_account_id = Some(previous_account_id);
        RefreshOrder {
            ticket,
            supplier,
            params: RefreshParams {
                reason,
                previous_account_id,
            },
        }
    }

    /// Puts the host's answer in force once it has passed every check.
    fn adopt(&mut self, answer: HostTokens) -> Result<Option<AccountUpdated>, RecoveryFailure> {
        let Some(previous) = self.credential.clone() else {
            return Err(RecoveryFailure::SignedOut);
        };
        let Some(old) = previous.chatgpt() else {
            return Err(RecoveryFailure::SignedOut);
        };
        let new = ExternalLogin::new(answer.tokens, answer.supplier)?;
        if !self.policy.allows_workspace(&new.account_id) {
            return Err(RecoveryFailure::Workspace {
                received: new.account_id,
                allowed: self.policy.allowed_workspaces.clone(),
            });
        }
        if self.policy.same_account && new.account_id != old.account_id {
            return Err(RecoveryFailure::OtherAccount {
                received: new.account_id,
                expected: old.account_id.clone(),
            });
        }
        let same =
            new.account_id == old.account_id && new.plan == old.plan && new.email == old.email;
        let settlement = self.replace(Credential::External(new));
        Ok(settlement.update.filter(|_| !same))
    }
}
