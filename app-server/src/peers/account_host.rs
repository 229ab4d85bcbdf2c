//! The clients as the host of one account: whom its auth manager asks for tokens, and who hears of
//! its changes.

use std::sync::{Arc, Weak};

use byokey_protocol::account::AccountUpdated;
use byokey_protocol::bearer_token::BearerTokenRefreshParams;
use byokey_protocol::empty::Empty;
use byokey_protocol::external_auth::RefreshParams;
use byokey_protocol::login::LoginCompleted;
use byokey_protocol::methods::{
    AccountListChangedNotification, AccountUpdatedNotification, BearerTokenRefresh,
    LoginCompletedNotification, Refresh, WarningNotification,
};
use byokey_protocol::warning::Warning;
use byokey_rpc::{ErrorCode, RequestFailure};
use futures_util::future::select_all;

use super::{Peer, Peers};
use byokey_auth::login::LoginObserver;
use byokey_auth::{
    AccountKey, Accounts, AnswerCheck, BearerAnswer, Host, HostAnswer, HostTokens, PeerId,
    RecoveryFailure, SlotId,
};

/// The peers as the [`Host`] of one account, and as the observer of its logins.
#[derive(Debug)]
pub struct AccountHost {
    peers: Arc<Peers>,
    accounts: Weak<Accounts>,
    slot: SlotId,
}

impl AccountHost {
    /// Returns the host of the account in this slot.
    #[must_use]
    pub const fn new(peers: Arc<Peers>, accounts: Weak<Accounts>, slot: SlotId) -> Self {
        Self {
            peers,
            accounts,
            slot,
        }
    }

    fn announce(&self, update: &AccountUpdated) {
        let accounts = self.accounts.upgrade();
        let is_selected = accounts.is_none_or(|accounts| accounts.is_selected(self.slot));
        let keyed = || AccountUpdated {
            account_key: key(&self.accounts, self.slot),
            ..update.clone()
        };
        let peers = &self.peers;
        peers.notify_account::<AccountUpdatedNotification>(update, is_selected, keyed);
        peers.notify_aware::<AccountListChangedNotification>(&Empty {});
    }
}

impl Host for AccountHost {
    fn ask_refresh(
        &self,
        supplier: PeerId,
        params: RefreshParams,
        check: AnswerCheck,
    ) -> HostAnswer {
        let peers = Arc::clone(&self.peers);
        let (accounts, slot) = (self.accounts.clone(), self.slot);
        let ask = move |hosts: Vec<Arc<Peer>>| {
            let answers = hosts.iter().map(|peer| {
                let params = RefreshParams {
                    account_key: key_for(peer, &accounts, slot),
                    ..params.clone()
                };
                let (supplier, answer) = (peer.id, peer.request::<Refresh>(&params));
                let check = Arc::clone(&check);
                async move {
                    let tokens = answer.await.map_err(host_failure)?;
                    let answer = HostTokens { tokens, supplier };
                    check(&answer)?;
                    Ok(answer)
                }
            });
            first_tokens(answers.collect())
        };
        let asked = move |peers: &Peers, accounts: &Weak<Accounts>| {
            let accounts = accounts.upgrade();
            let is_selected = accounts.is_none_or(|accounts| accounts.is_selected(slot));
            // In place of the supplier, a client that knows of one account only has no other's tokens.
            let may =
                |peer: &Arc<Peer>| is_selected || peer.id == supplier || peer.knows_accounts();
            let hosts = peers.hosts(supplier).into_iter();
            hosts.filter(may).collect()
        };
        // Sent synchronously, so that the request precedes any later message.
        let first = ask(asked(&peers, &self.accounts));
        let known = self.accounts.clone();
        Box::pin(async move {
            match first.await {
                // The peer disconnected; another one may have tokens.
                Err(RecoveryFailure::HostGone) => ask(asked(&peers, &known)).await,
                answer => answer,
            }
        })
    }

    fn ask_bearer_refresh(
        &self,
        supplier: PeerId,
        params: BearerTokenRefreshParams,
    ) -> BearerAnswer {
        let supplier = self.peers.supplier(supplier);
        let key = supplier
            .as_ref()
            .and_then(|peer| key_for(peer, &self.accounts, self.slot));
        let params = BearerTokenRefreshParams {
            account_key: key,
            ..params
        };
        let answer = supplier.map(|peer| peer.request::<BearerTokenRefresh>(&params));
        Box::pin(async move {
            let answer = answer.ok_or(RecoveryFailure::HostGone)?;
            answer.await.map_err(host_failure)
        })
    }

    fn wants_proactive_refresh(&self, supplier: PeerId) -> bool {
        let hosts = self.peers.hosts(supplier);
        hosts
            .iter()
            .any(|peer| peer.client().is_some_and(|client| client.proactive_refresh))
    }

    fn account_updated(&self, update: AccountUpdated) {
        self.announce(&update);
    }
}

impl LoginObserver for AccountHost {
    fn login_completed(&self, completed: LoginCompleted) {
        self.peers.notify::<LoginCompletedNotification>(&completed);
    }

    fn account_updated(&self, update: AccountUpdated) {
        self.announce(&update);
    }

    fn login_held_up(&self, why: &str) {
        tracing::warn!("{why}");
        self.peers.notify::<WarningNotification>(&Warning {
            thread_id: None,
            message: why.to_owned(),
        });
    }
}

/// Returns the first tokens among several answers that pass the check; later ones are ignored. If
/// there are none, the first failure: a peer that cannot answer, answers for another account, or
/// disconnects does not end the wait for the others.
async fn first_tokens<F>(answers: Vec<F>) -> Result<HostTokens, RecoveryFailure>
where
    F: Future<Output = Result<HostTokens, RecoveryFailure>>,
{
    let mut waiting: Vec<_> = answers.into_iter().map(Box::pin).collect();
    let mut reason = RecoveryFailure::HostGone;
    while !waiting.is_empty() {
        let (answer, _, others) = select_all(waiting).await;
        match answer {
            Ok(tokens) => return Ok(tokens),
            Err(failure) if reason == RecoveryFailure::HostGone => reason = failure,
            Err(_) => {}
        }
        waiting = others;
    }
    Err(reason)
}

/// Maps a failed request to why a host gave no tokens.
fn host_failure(failure: RequestFailure) -> RecoveryFailure {
    match failure {
        RequestFailure::Refused(ErrorCode(code)) => RecoveryFailure::HostRefused { code },
        RequestFailure::AnswerInvalid => RecoveryFailure::AnswerInvalid,
        RequestFailure::Gone => RecoveryFailure::HostGone,
        RequestFailure::TimedOut { after } => RecoveryFailure::HostTimeout { after },
    }
}

/// Returns the key of the account in a slot, if this client knows of several.
fn key_for(peer: &Peer, accounts: &Weak<Accounts>, slot: SlotId) -> Option<String> {
    peer.knows_accounts().then(|| key(accounts, slot))?
}

fn key(accounts: &Weak<Accounts>, slot: SlotId) -> Option<String> {
    let key = accounts.upgrade()?.key(slot);
    key.map(AccountKey::into_text)
}
