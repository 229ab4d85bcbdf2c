//! `account/list`, `account/select` and `account/remove`, and logins beside other accounts. All of
//! them are for clients with the capability `multipleAccounts`.

use std::sync::Arc;

use byokey_protocol::account::{AccountUpdated, LogoutParams};
use byokey_protocol::accounts::{
    AccountListResult, AccountOwner, AccountSelectParams, AccountState, ListedAccount,
};
use byokey_protocol::empty::Empty;
use byokey_protocol::error::ErrorKind;
use byokey_protocol::methods::{AccountListChangedNotification, AccountUpdatedNotification};

use super::account::{Forget, forget, is_stored, revocation};
use super::thread::NotFoundTexts;
use super::thread_lifecycle::find_own_thread;
use crate::server::error::{Answered, RequestError};
use crate::server::reply::{Answering, Context, Outcome, Reply};
use byokey_auth::{
    AccountKey, AuthManager, Credential, Held, Listed, LoginRefusal, Place, Revocation,
};

const NO_THREAD: NotFoundTexts = NotFoundTexts {
    invalid: "invalid thread id",
    missing: "thread not found:",
};

impl Context {
    /// Returns the manager of the account that a request names, or of the selected one.
    ///
    /// # Errors
    ///
    /// Kind `unknownAccount`.
    pub(crate) fn account(&self, key: Option<String>) -> Result<Arc<AuthManager>, RequestError> {
        let accounts = &self.services.accounts;
        match key.filter(|_| self.peer.knows_accounts()) {
            None => Ok(accounts.selected()),
            Some(key) => {
                let found = accounts.by_key(&AccountKey::from_client(key));
                found.ok_or_else(unknown_account)
            }
        }
    }

    /// Notifies clients of a change of one account: those that know of several with its key, the
    /// others only if it is the selected one.
    pub(crate) fn announce(&self, auth: &Arc<AuthManager>, update: &AccountUpdated) {
        let accounts = &self.services.accounts;
        let is_selected = accounts.has_selected(auth);
        let keyed = || AccountUpdated {
            account_key: accounts.key_of(auth).map(AccountKey::into_text),
            ..update.clone()
        };
        let peers = &self.services.peers;
        peers.notify_account::<AccountUpdatedNotification>(update, is_selected, keyed);
        self.announce_list();
    }

    /// Notifies the clients that know of several accounts that the list changed.
    pub(crate) fn announce_list(&self) {
        let peers = &self.services.peers;
        peers.notify_aware::<AccountListChangedNotification>(&Empty {});
    }
}

fn unknown_account() -> RequestError {
    let message = "no account has that accountKey; account/list returns those that there are";
    RequestError::refused(ErrorKind::UnknownAccount, message)
}

/// Refuses a client that did not declare the capability: it would not hear of what follows.
fn check_capability(context: &Context) -> Result<(), RequestError> {
    if context.peer.knows_accounts() {
        return Ok(());
    }
    let message = if cfg!(feature = "accounts") {
        "several accounts are for clients that declare `multipleAccounts` in the capabilities of \
         `initialize`"
    } else {
        "this build holds one account; use one with the feature accounts"
    };
    Err(RequestError::refused(ErrorKind::Unsupported, message))
}

pub(crate) fn account_list(context: &Context, _: Empty) -> Outcome<AccountListResult> {
    check_capability(context)?;
    let now = context.services.clock.unix_seconds();
    let (accounts, selected) = context.services.accounts.list();
    let accounts = accounts.into_iter();
    Ok(AccountListResult {
        accounts: accounts.filter_map(|it| listed(it, now)).collect(),
        selected_key: selected.map(AccountKey::into_text),
    }
    .into())
}

fn listed(it: Listed<Arc<AuthManager>>, now: i64) -> Option<ListedAccount> {
    let is_dead = it.value.needs_reauth();
    it.value.read(|credential| {
        let credential = credential?;
        let expires_at = match credential {
            Credential::External(login) => login.expires_at,
            Credential::Bearer(login) => login.expires_at,
            Credential::Managed(login) => login.expires_at,
            Credential::ApiKey(_) | Credential::PersonalAccessToken(_) => None,
        };
        let state = match expires_at {
            _ if is_dead => AccountState::ReauthRequired,
            Some(expires_at) if expires_at <= now => AccountState::Expired,
            _ => AccountState::Ok,
        };
        let owner = match Held::of(credential).supplier {
            Some(_) => AccountOwner::Host,
            None => AccountOwner::Server,
        };
        Some(ListedAccount {
            account_key: it.key.into_text(),
            label: it.label,
            account: credential.account().into(),
            owner: owner.into(),
            state: state.into(),
            expires_at,
        })
    })
}

pub(crate) fn account_select(context: &Context, params: AccountSelectParams) -> Outcome<Empty> {
    check_capability(context)?;
    let services = &context.services;
    let auth = context.account(Some(params.account_key.clone()))?;
    if let Some(id) = params.thread_id {
        let thread = find_own_thread(context, &id, &NO_THREAD)?;
        thread.continue_under(context.peer.id, &auth);
        return Ok(Empty {}.into());
    }
    // Who signs in is somebody else's account from now on.
    services.logins.cancel_active();
    if !services
        .accounts
        .select(&AccountKey::from_client(params.account_key))
    {
        return Err(unknown_account());
    }
    services.accounts.sweep();
    services.backend.follow_selection();
    let update = auth.read(|credential| credential.map(Credential::update));
    Ok(Reply::then(Empty {}, move |context| {
        context.announce(&auth, &update.unwrap_or_default());
    }))
}

pub(crate) fn account_remove(
    context: &Context,
    params: LogoutParams,
) -> Result<Answering<Empty>, RequestError> {
    check_capability(context)?;
    if params.account_key.is_none() {
        return Err(RequestError::invalid_params("accountKey", "is required"));
    }
    let auth = context.account(params.account_key)?;
    // Of a host's tokens, nothing is stored: what the store holds is another login.
    let is_stored = is_stored(&auth);
    forget(
        context,
        Forget {
            clears_store: is_stored && auth.is_persistent(),
            auth,
            others: Vec::new(),
            revocation: revocation(params.revoke),
        },
    )
}

/// What a login says about other accounts.
#[derive(Debug)]
pub(crate) struct Beside {
    /// Whether they stay.
    pub(crate) keep: bool,
    /// The name of its own.
    pub(crate) label: Option<String>,
}

impl Beside {
    /// Returns what the members of a login mean; `None` where there is nothing but one account.
    ///
    /// # Errors
    ///
    /// The label cannot be kept.
    pub(crate) fn of(
        context: &Context,
        keep: Option<bool>,
        label: Option<String>,
    ) -> Result<Option<Self>, RequestError> {
        let knows = context.peer.knows_accounts();
        let label = label.filter(|_| knows);
        let keep = knows && keep == Some(true);
        if !keep && label.is_none() && context.services.accounts.is_alone() {
            return Ok(None);
        }
        if let Some(label) = &label {
            let problem = "must be 1 to 256 bytes without control characters";
            if label.is_empty() || label.len() > MAX_LABEL || label.contains(char::is_control) {
                return Err(RequestError::invalid_params("label", problem));
            }
        }
        Ok(Some(Self { keep, label }))
    }

    /// Logs in at the place of this account. `login` does it with the manager.
    pub(crate) fn log_in(
        self,
        context: &Context,
        held: &Held,
        login: impl FnOnce(&Arc<AuthManager>) -> Result<AccountUpdated, LoginRefusal>,
    ) -> Result<(Arc<AuthManager>, AccountUpdated), RequestError> {
        let accounts = &context.services.accounts;
        let (place, auth) = accounts.place(held, self.keep);
        if matches!(place, Place::New(_)) && accounts.are_full() {
            return Err(RequestError::overloaded());
        }
        let update = login(&auth).map_err(Answered::answered)?;
        let replaced = accounts.logged_in(place, &auth, self.keep, self.label);
        if let Some(replaced) = replaced {
            // A host's account: nothing of it is revoked, and nothing is stored.
            drop(replaced.logout(Revocation::Leave));
        }
        accounts.sweep();
        let backend = &context.services.backend;
        backend.follow_selection();
        Ok((auth, update))
    }
}

/// Longest label of an account, in bytes.
const MAX_LABEL: usize = 256;
