//! The rules of the credential in force: what may replace it, and what follows a 401.
//!
//! A state machine without IO and without a clock. `W` is the handle of a caller that waits for a
//! refresh; the manager wakes those in a [`Transition`].

mod checks;
mod renewable;
mod types;

use std::mem;
use std::sync::Arc;

use byokey_protocol::account::AccountUpdated;
use byokey_protocol::bearer_token::{BearerToken, BearerTokenLogin};
use byokey_protocol::external_auth::{ExternalTokens, RefreshReason};
use byokey_protocol::secret::Secret;

use crate::credential::{
    ApiKey, BearerLogin, ChatgptAccount, Credential, ExternalLogin, OwnCredential, PeerId,
};
use crate::failure::{LoginRefusal, RecoveryFailure};
use crate::permanent::PermanentFailure;
use crate::policy::LoginPolicy;
use renewable::Renewable;

pub use types::{
    BearerTicket, Epoch, Generation, HostTicket, HostTokens, Late, ManagedTicket, Recovered,
    Recovery, RefreshOrder, Refreshed, Renewal, Ticket, Transition,
};

/// The credential in force and the refresh in flight, if any.
#[derive(Debug)]
pub struct AuthState<W> {
    policy: LoginPolicy,
    credential: Option<Arc<Credential>>,
    /// The connection that installed the account in force; `None` for this program itself.
    installed_by: Option<PeerId>,
    generation: Generation,
    epoch: Epoch,
    refresh: Option<Refresh<W>>,
    /// The generation that a 401 refused last, unless the refresh after it failed.
    refused: Option<Generation>,
    tickets: u64,
    /// Why the credential in force can no longer be renewed.
    permanent_failure: Option<PermanentFailure>,
}

#[derive(Debug)]
struct Refresh<W> {
    ticket: Ticket,
    waiters: Vec<W>,
}

impl<W> AuthState<W> {
    /// Returns a state without a credential.
    #[must_use]
    pub const fn new(policy: LoginPolicy) -> Self {
        Self {
            policy,
            credential: None,
            installed_by: None,
            generation: Generation(0),
            epoch: Epoch(0),
            refresh: None,
            refused: None,
            tickets: 0,
            permanent_failure: None,
        }
    }

    /// Returns the policy.
    #[must_use]
    pub const fn policy(&self) -> &LoginPolicy {
        &self.policy
    }

    /// Replaces the policy. The credential in force is not checked again.
    pub fn set_policy(&mut self, policy: LoginPolicy) {
        self.policy = policy;
    }

    /// Returns why the credential in force can no longer be renewed, if known.
    #[must_use]
    pub const fn permanent_failure(&self) -> Option<PermanentFailure> {
        self.permanent_failure
    }

    /// Returns the credential in force.
    #[must_use]
    pub const fn credential(&self) -> Option<&Arc<Credential>> {
        self.credential.as_ref()
    }

    /// Returns the connection that installed the account in force: by a login, or by an answer to a
    /// refresh that changed the account.
    #[must_use]
    pub const fn installed_by(&self) -> Option<PeerId> {
        self.installed_by
    }

    /// Returns the count of changes of the credential.
    #[must_use]
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    /// Returns the count of logins and logouts.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Returns whether a refresh is in flight.
    #[must_use]
    pub const fn is_refreshing(&self) -> bool {
        self.refresh.is_some()
    }

    /// Logs in with an API key.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`]; the credential in force is unchanged.
    pub fn login_api_key(
        &mut self,
        key: Secret,
        by: PeerId,
    ) -> Result<Transition<W>, LoginRefusal> {
        self.check_api_key_login()?;
        let key = ApiKey::new(key)?;
        Ok(self.install_login(Credential::ApiKey(key), Some(by)))
    }

    /// Logs in with tokens that the host owns. They may replace any credential, and settle a
    /// refresh in flight: unrequested tokens of the host are the newest.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`]; the credential in force is unchanged.
    pub fn login_external(
        &mut self,
        tokens: ExternalTokens,
        supplier: PeerId,
    ) -> Result<Transition<W>, LoginRefusal> {
        self.check_external_login()?;
        let login = ExternalLogin::new(tokens, supplier)?;
        if let Some(received) = self.policy.forbidden_workspace(&login) {
            return Err(LoginRefusal::Workspace {
                received,
                allowed: self.policy.allowed_workspaces.clone(),
            });
        }
        Ok(self.install_login(Credential::External(login), Some(supplier)))
    }

    /// Logs in with a bearer token that the host owns, for this normalised origin. It replaces any
    /// credential, as a host's tokens do.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`]; the credential in force is unchanged.
    pub fn login_bearer(
        &mut self,
        login: BearerTokenLogin,
        origin: String,
        supplier: PeerId,
    ) -> Result<Transition<W>, LoginRefusal> {
        self.policy.check_bearer()?;
        let login = BearerLogin::new(login, origin, supplier)?;
        Ok(self.install_login(Credential::Bearer(login), Some(supplier)))
    }

    /// Logs in with a credential that this program obtained, at the request of that connection.
    /// `begun` is the epoch in which the login began: a login or logout since then wins.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`]; the credential in force is unchanged.
    pub fn login_own(
        &mut self,
        credential: OwnCredential,
        begun: Epoch,
        by: Option<PeerId>,
    ) -> Result<Transition<W>, LoginRefusal> {
        self.check_own(&credential, begun)?;
        Ok(self.install_login(credential.into(), by))
    }

    /// Installs a credential from before this process. Logins in progress are newer, so they
    /// continue unaffected.
    ///
    /// # Errors
    ///
    /// [`LoginRefusal`]; the credential in force is unchanged.
    pub fn restore(
        &mut self,
        credential: OwnCredential,
        begun: Epoch,
    ) -> Result<Transition<W>, LoginRefusal> {
        self.check_own(&credential, begun)?;
        self.installed_by = None;
        Ok(self.install(credential.into()))
    }

    /// Drops the credential at once. Callers that wait for a refresh fail.
    pub fn logout(&mut self) -> Transition<W> {
        self.credential = None;
        self.installed_by = None;
        self.permanent_failure = None;
        self.generation.0 += 1;
        self.epoch.0 += 1;
        Transition {
            waiters: self.take_waiters(),
            outcome: Err(RecoveryFailure::SignedOut),
            update: AccountUpdated::default(),
        }
    }

    /// Handles a 401 of a call under that generation.
    pub fn unauthorized(&mut self, generation: Generation, waiter: W) -> Recovery<W> {
        let Some(credential) = self.credential.clone() else {
            return Recovery::Decided(waiter, Err(RecoveryFailure::SignedOut));
        };
        if generation != self.generation {
            return Recovery::Decided(waiter, Ok(Recovered::Replaced));
        }
        let Some(login) = Renewable::of(&credential) else {
            return Recovery::Decided(waiter, Err(RecoveryFailure::NotRefreshable));
        };
        self.refused = Some(generation);
        if let Some(refresh) = &mut self.refresh {
            refresh.waiters.push(waiter);
            return Recovery::Joined;
        }
        Recovery::Ask(self.begin_refresh(&login, RefreshReason::Unauthorized, vec![waiter]))
    }

    /// Returns whether a call under that generation is known to be refused, so that sending it
    /// would only bring another 401. After a failed refresh nothing is known.
    #[must_use]
    pub fn is_refused(&self, generation: Generation) -> bool {
        self.refused == Some(generation)
    }

    /// Handles the approaching expiry of the token of that generation. Returns nothing if it was
    /// replaced, cannot be renewed, or a refresh is in flight.
    pub fn expiring(&mut self, generation: Generation) -> Option<RefreshOrder> {
        if generation != self.generation
            || self.refresh.is_some()
            || self.permanent_failure.is_some()
        {
            return None;
        }
        let credential = self.credential.clone()?;
        let login = Renewable::of(&credential)?;
        Some(self.begin_refresh(&login, RefreshReason::Expiring, Vec::new()))
    }

    /// Completes a refresh with the host's answer. An answer to any refresh but the one in flight
    /// is late and ignored.
    pub fn host_refreshed(
        &mut self,
        ticket: &HostTicket,
        answer: Result<HostTokens, RecoveryFailure>,
    ) -> Option<Refreshed<W>> {
        let waiters = self.end_refresh(ticket.ticket)?;
        let login = answer.and_then(|tokens| self.check_host_tokens(ticket, tokens));
        let renewed = login.map(|login| {
            if !login.account.is_same(&ticket.account) {
                self.installed_by = Some(login.supplier);
            }
            (Recovered::Renewed, Credential::External(login))
        });
        Some(self.settle(waiters, renewed, &ticket.account))
    }

    /// Completes a refresh of a host's bearer token. An answer to any refresh but the one in flight
    /// is late and ignored. The account stays, so there is no update.
    pub fn bearer_refreshed(
        &mut self,
        ticket: &BearerTicket,
        answer: Result<BearerToken, RecoveryFailure>,
    ) -> Option<Refreshed<W>> {
        let waiters = self.end_refresh(ticket.ticket)?;
        let renewed = answer.and_then(|new| Ok(ticket.login.renewed(new)?));
        let renewed = renewed.map(|login| (Recovered::Renewed, Credential::Bearer(login)));
        let settled = self.settle(waiters, renewed, &ChatgptAccount::default());
        Some(Transition {
            update: None,
            ..settled
        })
    }

    /// Completes the renewal of a managed login.
    ///
    /// # Errors
    ///
    /// [`Late`] returns the answer to any refresh but the one in flight.
    pub fn managed_refreshed(
        &mut self,
        ticket: &ManagedTicket,
        answer: Result<Renewal, RecoveryFailure>,
    ) -> Result<Refreshed<W>, Late> {
        let Some(waiters) = self.end_refresh(ticket.ticket) else {
            return Err(Late(answer));
        };
        let renewed = answer.and_then(|renewal| {
            let (recovered, login) = match renewal {
                Renewal::Issuer(login) => (Recovered::Renewed, login),
                Renewal::Store(login) => (Recovered::Replaced, login),
            };
            if !login.account.is_same(&ticket.account) {
                return Err(PermanentFailure::Mismatch.into());
            }
            Ok((recovered, Credential::Managed(login)))
        });
        Ok(self.settle(waiters, renewed, &ticket.account))
    }

    /// Ends a refresh that will have no answer, if it is in flight: its waiters are dropped.
    pub fn abandon(&mut self, ticket: Ticket) {
        if self.end_refresh(ticket).is_some() {
            self.refused = None;
        }
    }

    /// Installs the checked result of a refresh, or records why there is none.
    fn settle(
        &mut self,
        waiters: Vec<W>,
        renewed: Result<(Recovered, Credential), RecoveryFailure>,
        previous: &ChatgptAccount,
    ) -> Refreshed<W> {
        match renewed {
            Ok((recovered, credential)) => {
                let looks_the_same = credential.chatgpt().is_some_and(|new| {
                    new.id == previous.id
                        && new.plan == previous.plan
                        && new.email == previous.email
                });
                let update = self.put_in_force(credential);
                Transition {
                    waiters,
                    outcome: Ok(recovered),
                    update: (!looks_the_same).then_some(update),
                }
            }
            Err(failure) => {
                self.refused = None;
                if let RecoveryFailure::Permanent(permanent) = failure {
                    self.permanent_failure = Some(permanent);
                }
                Transition {
                    waiters,
                    outcome: Err(failure),
                    update: None,
                }
            }
        }
    }

    fn install_login(&mut self, credential: Credential, by: Option<PeerId>) -> Transition<W> {
        self.epoch.0 += 1;
        self.installed_by = by;
        self.install(credential)
    }

    fn install(&mut self, credential: Credential) -> Transition<W> {
        Transition {
            update: self.put_in_force(credential),
            waiters: self.take_waiters(),
            outcome: Ok(Recovered::Replaced),
        }
    }

    fn put_in_force(&mut self, credential: Credential) -> AccountUpdated {
        let update = credential.update();
        self.credential = Some(Arc::new(credential));
        self.permanent_failure = None;
        self.generation.0 += 1;
        update
    }

    fn take_waiters(&mut self) -> Vec<W> {
        mem::take(&mut self.refresh).map_or_else(Vec::new, |refresh| refresh.waiters)
    }

    /// Ends this refresh and returns its waiters, if it is the one in flight.
    fn end_refresh(&mut self, ticket: Ticket) -> Option<Vec<W>> {
        let ended = self.refresh.take_if(|refresh| refresh.ticket == ticket)?;
        Some(ended.waiters)
    }

    fn begin_refresh(
        &mut self,
        login: &Renewable<'_>,
        reason: RefreshReason,
        waiters: Vec<W>,
    ) -> RefreshOrder {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.refresh = Some(Refresh { ticket, waiters });
        login.order(ticket, reason, self.permanent_failure)
    }

    /// Returns whether an answer for this account is accepted for that login. Only the supplier may
    /// change the account: another connection must answer for the same one.
    fn answers_for(&self, old: &HostTicket, new: &ChatgptAccount, from: PeerId) -> bool {
        let may_change = from == old.supplier && !self.policy.same_account;
        may_change || new.is_same(&old.account)
    }

    /// Checks the account of a host's answer. Called for each of several answers, so that the first
    /// valid one wins.
    ///
    /// # Errors
    ///
    /// [`RecoveryFailure`] states the reason.
    pub fn check_answer(
        &self,
        ticket: &HostTicket,
        answer: &HostTokens,
    ) -> Result<(), RecoveryFailure> {
        let new = ExternalLogin::account_of(&answer.tokens)?;
        if self.answers_for(ticket, &new, answer.supplier) {
            return Ok(());
        }
        Err(other_account(&ticket.account, &new))
    }

    fn check_host_tokens(
        &self,
        ticket: &HostTicket,
        answer: HostTokens,
    ) -> Result<ExternalLogin, RecoveryFailure> {
        let new = ExternalLogin::new(answer.tokens, answer.supplier)?;
        if let Some(received) = self.policy.forbidden_workspace(&new) {
            return Err(RecoveryFailure::Workspace {
                received,
                allowed: self.policy.allowed_workspaces.clone(),
            });
        }
        if !self.answers_for(ticket, &new.account, new.supplier) {
            return Err(other_account(&ticket.account, &new.account));
        }
        Ok(new)
    }
}

/// Returns the failure for tokens of another account than the login's.
fn other_account(old: &ChatgptAccount, new: &ChatgptAccount) -> RecoveryFailure {
    let id = |account: &ChatgptAccount| account.id.clone().unwrap_or_default();
    let (expected, received) = (id(old), id(new));
    if received == expected {
        return RecoveryFailure::OtherPerson {
            workspace: expected,
        };
    }
    RecoveryFailure::OtherAccount { received, expected }
}
