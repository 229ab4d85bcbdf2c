//! Requests newer tokens, from the host or for a managed login, in a task for all waiting calls.

use std::sync::Arc;

use byokey_protocol::bearer_token::BearerTokenRefreshParams;
use byokey_protocol::external_auth::RefreshParams;
use tokio::task::AbortHandle;

use super::expiry::Due;
use super::{AuthManager, CredentialChange, Forget, ForgetSignal, Revocation, Waiter, wake};
use crate::credential::{ManagedLogin, PeerId};
use crate::failure::RecoveryFailure;
use crate::permanent::PermanentFailure;
use crate::state::{
    BearerTicket, HostTicket, HostTokens, Late, ManagedTicket, RefreshOrder, Refreshed, Renewal,
    Ticket,
};

/// The task that requests newer tokens.
pub(super) enum Asking {
    /// From the host. It is aborted when its answer is of no use any more.
    Host(AbortHandle),
    /// For a managed login. It is not aborted, because it may have spent the refresh token, and its
    /// answer is the only valid grant: a logout revokes it.
    Managed(Forget),
}

impl Asking {
    /// Ends the task, if that loses nothing.
    pub(super) fn end(self, revocation: Revocation) {
        match self {
            Self::Host(task) => task.abort(),
            Self::Managed(forget) => forget.signal(revocation),
        }
    }
}

/// A refresh in flight. It is abandoned with this value, if it has no result by then.
struct InFlight {
    manager: Arc<AuthManager>,
    ticket: Ticket,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.manager.state().abandon(self.ticket);
    }
}

impl AuthManager {
    pub(super) fn ask(self: &Arc<Self>, order: RefreshOrder) {
        let asking = match order {
            RefreshOrder::Host {
                ticket,
                supplier,
                params,
            } => self.ask_host(ticket, supplier, params),
            RefreshOrder::HostBearer {
                ticket,
                supplier,
                params,
            } => self.ask_host_for_bearer(ticket, supplier, params),
            RefreshOrder::Managed {
                ticket,
                login,
                permanent_failure,
            } => self.ask_for_managed(ticket, login, permanent_failure),
        };
        super::lock(&self.asking).replace(asking);
    }

    fn ask_host(
        self: &Arc<Self>,
        ticket: HostTicket,
        supplier: PeerId,
        params: RefreshParams,
    ) -> Asking {
        let (manager, ticket) = (Arc::clone(self), Arc::new(ticket));
        let (checker, of) = (Arc::clone(self), Arc::clone(&ticket));
        let check = Arc::new(move |answer: &HostTokens| checker.state().check_answer(&of, answer));
        // Sent synchronously, so that the request precedes any later message to the host.
        let answer = self.host.ask_refresh(supplier, params, check);
        let task = tokio::spawn(async move {
            let _in_flight = manager.in_flight(ticket.number());
            let answer = answer.await;
            let refreshed = manager.state().host_refreshed(&ticket, answer);
            // A late answer is of no use: what came first is newer.
            let Some(refreshed) = refreshed else { return };
            if refreshed.outcome.is_ok() {
                manager.watch_expiry(Due::Later);
            }
            manager.announce(refreshed);
        });
        Asking::Host(task.abort_handle())
    }

    fn ask_host_for_bearer(
        self: &Arc<Self>,
        ticket: BearerTicket,
        supplier: PeerId,
        params: BearerTokenRefreshParams,
    ) -> Asking {
        let manager = Arc::clone(self);
        // Sent synchronously, so that the request precedes any later message to the host.
        let answer = self.host.ask_bearer_refresh(supplier, params);
        let task = tokio::spawn(async move {
            let _in_flight = manager.in_flight(ticket.number());
            let answer = answer.await;
            let refreshed = manager.state().bearer_refreshed(&ticket, answer);
            let Some(refreshed) = refreshed else { return };
            if refreshed.outcome.is_ok() {
                manager.watch_expiry(Due::Later);
            }
            manager.announce(refreshed);
        });
        Asking::Host(task.abort_handle())
    }

    fn ask_for_managed(
        self: &Arc<Self>,
        ticket: ManagedTicket,
        login: Arc<ManagedLogin>,
        permanent_failure: Option<PermanentFailure>,
    ) -> Asking {
        let (forget, signal) = Forget::new();
        let manager = Arc::clone(self);
        tokio::spawn(async move {
            let _in_flight = manager.in_flight(ticket.number());
            let answer = manager.renew(&login, permanent_failure, &signal).await;
            drop(login);
            let refreshed = manager.state().managed_refreshed(&ticket, answer);
            let refreshed = match refreshed {
                Ok(refreshed) => refreshed,
                Err(Late(answer)) => return manager.discard(answer, signal.get()),
            };
            if refreshed.outcome.is_ok() {
                manager.note_renewal();
                manager.watch_expiry(Due::Later);
            } else {
                manager.watch_expiry(Due::InAMinute);
            }
            manager.announce(refreshed);
        });
        Asking::Managed(forget)
    }

    fn in_flight(self: &Arc<Self>, ticket: Ticket) -> InFlight {
        InFlight {
            manager: Arc::clone(self),
            ticket,
        }
    }

    /// Renews a managed login when it is its turn at the store.
    async fn renew(
        &self,
        login: &ManagedLogin,
        permanent_failure: Option<PermanentFailure>,
        forgotten: &ForgetSignal,
    ) -> Result<Renewal, RecoveryFailure> {
        let _turn = tokio::select! {
            turn = self.store_turn.lock() => turn,
            _ = forgotten.wait() => return Err(RecoveryFailure::SignedOut),
        };
        self.renewer
            .renew(login, permanent_failure, forgotten)
            .await
    }

    /// Wakes the callers that wait for a refresh, and notifies clients if it changed the account.
    fn announce(&self, refreshed: Refreshed<Waiter>) {
        if refreshed.outcome.is_ok() {
            self.on_change.call(CredentialChange::Renewal);
        }
        if let Some(update) = wake(refreshed) {
            self.host.account_updated(update);
        }
    }

    /// Drops a late answer. Tokens of a login that neither memory nor a store holds any more are
    /// revoked.
    fn discard(
        self: &Arc<Self>,
        late: Result<Renewal, RecoveryFailure>,
        logout: Option<Revocation>,
    ) {
        let is_lost = match logout {
            Some(revocation) => revocation == Revocation::Revoke,
            None => !self.is_persistent(),
        };
        if let Ok(Renewal::Issuer(login)) = late
            && is_lost
        {
            self.revoke_superseded(Some(login));
        }
    }
}
