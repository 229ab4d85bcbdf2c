//! `account/read`, `account/logout` and `getAuthStatus`. They are synchronous, unless a managed
//! login is to be renewed first, or a store to be cleared.

use std::sync::Arc;

use byokey_protocol::account::{
    AccountReadParams, AccountReadResult, AccountUpdated, GetAuthStatusParams, GetAuthStatusResult,
    LogoutParams,
};
use byokey_protocol::empty::Empty;
use byokey_protocol::error::ErrorKind;
use byokey_protocol::methods::AccountUpdatedNotification;

use crate::server::error::RequestError;
use crate::server::reply::{Answering, Context, Reply};
use byokey_auth::{AuthManager, Credential, Forgotten, Revocation};

pub(crate) fn account_read(
    context: &Context,
    params: AccountReadParams,
) -> Result<Answering<AccountReadResult>, RequestError> {
    let auth = context.account(params.account_key)?;
    if params.refresh_token && auth.is_managed() {
        let context = context.clone();
        return Ok(Answering::later(async move {
            auth.refresh_managed().await;
            Ok(account(&context, &auth).into())
        }));
    }
    Ok(Answering::Now(account(context, &auth).into()))
}

fn account(context: &Context, auth: &AuthManager) -> AccountReadResult {
    let requires_openai_auth = context.services.config().provider.requires_openai_auth;
    // A login that cannot be renewed needs a new login, so no account is reported.
    let is_dead = auth.needs_reauth();
    let (identity, result) = auth.read(|credential| {
        let credential = credential.filter(|held| !is_dead && is_shown(held, context));
        let result = AccountReadResult {
            account: credential.map(|credential| credential.account().into()),
            user_id: credential.and_then(|it| it.chatgpt()?.user_id.clone()),
            requires_openai_auth,
            workspace_routing: None,
        };
        (credential.map(Credential::identity), result)
    });
    let backend = &context.services.backend;
    let workspace_routing = identity.and_then(|it| backend.workspace_routing(&it));
    AccountReadResult {
        workspace_routing,
        ..result
    }
}

pub(crate) fn logout(
    context: &Context,
    params: LogoutParams,
) -> Result<Answering<Empty>, RequestError> {
    let accounts = &context.services.accounts;
    let knows = context.peer.knows_accounts();
    let key = params.account_key.filter(|_| knows);
    let is_of_one = key.is_some();
    if is_of_one && params.all == Some(true) {
        let problem = "cannot be beside `all`";
        return Err(RequestError::invalid_params("accountKey", problem));
    }
    // With all of them, the one whose store is to be cleared.
    let auth = if knows && params.all == Some(true) {
        accounts.first()
    } else {
        context.account(key)?
    };
    let others = match params.all {
        Some(true) if knows => accounts.all(),
        _ if is_of_one || accounts.is_alone() => Vec::new(),
        _ => accounts.of_logout(context.peer.id),
    };
    // Of one account that a host owns, nothing is stored: what the store holds is another login.
    let is_stored = !is_of_one || is_stored(&auth);
    forget(
        context,
        Forget {
            clears_store: is_stored && auth.is_persistent(),
            auth,
            others,
            revocation: revocation(params.revoke),
        },
    )
}

/// Returns whether the credential is one that a store may hold.
pub(super) fn is_stored(auth: &AuthManager) -> bool {
    auth.read(|credential| credential.is_some_and(Credential::is_stored))
}

pub(super) fn revocation(revoke: Option<bool>) -> Revocation {
    if revoke.unwrap_or(true) {
        Revocation::Revoke
    } else {
        Revocation::Leave
    }
}

/// Accounts to be logged out.
pub(super) struct Forget {
    pub(super) auth: Arc<AuthManager>,
    /// Whether what the store holds of it is removed.
    pub(super) clears_store: bool,
    /// Others, of which the store keeps what it holds.
    pub(super) others: Vec<Arc<AuthManager>>,
    pub(super) revocation: Revocation,
}

pub(super) fn forget(context: &Context, what: Forget) -> Result<Answering<Empty>, RequestError> {
    let Forget {
        auth,
        clears_store,
        others,
        revocation,
    } = what;
    let accounts = &context.services.accounts;
    context.services.logins.cancel_active();
    let mut is_selected = accounts.has_selected(&auth);
    let others = others
        .into_iter()
        .filter(|other| !Arc::ptr_eq(other, &auth));
    for other in others {
        is_selected |= accounts.has_selected(&other);
        drop(other.logout(Revocation::Leave));
    }
    let (update, forgotten) = auth.logout(revocation);
    let epoch = auth.epoch();
    let update = Some(update).filter(|_| is_selected);
    accounts.sweep();
    let forgotten = Some(forgotten).filter(|_| revocation == Revocation::Revoke);
    if !clears_store {
        return Ok(Answering::Now(signed_out(auth, update, forgotten)));
    }
    let context = context.clone();
    Ok(Answering::change(async move {
        if let Some(over) = context.services.start.over() {
            over.await;
        }
        let unseen = auth.signed_out_unseen();
        let forgotten = forgotten.map(|seen| if seen.is_revocable() { seen } else { unseen });
        let cleared = auth.clear_store_after(epoch).await;
        // A login that was faster has been announced, and is in force.
        // So is an account that was selected since.
        let selected = context.services.accounts.selected();
        let is_over = auth.is_overtaken(epoch) || selected.read(|it| it.is_some());
        let update = update.filter(|_| !is_over);
        if let Err(failure) = cleared {
            // The credential in memory is dropped in any case.
            announce(&context, update.as_ref());
            return Err(RequestError::failed(
                format!("logout failed: {failure}"),
                ErrorKind::StoreFailed.into(),
            ));
        }
        Ok(signed_out(auth, update, forgotten))
    }))
}

fn signed_out(
    auth: Arc<AuthManager>,
    update: Option<AccountUpdated>,
    forgotten: Option<Forgotten>,
) -> Reply<Empty> {
    Reply::then(Empty {}, move |context| {
        announce(context, update.as_ref());
        if let Some(forgotten) = forgotten.filter(Forgotten::is_revocable) {
            let revoked = async move { auth.revoke(forgotten).await };
            context.services.background.spawn(revoked);
        }
    })
}

fn announce(context: &Context, update: Option<&AccountUpdated>) {
    let peers = &context.services.peers;
    if let Some(update) = update {
        peers.notify::<AccountUpdatedNotification>(update);
    }
    context.announce_list();
}

pub(crate) fn get_auth_status(
    context: &Context,
    params: GetAuthStatusParams,
) -> Result<Answering<GetAuthStatusResult>, RequestError> {
    let auth = context.services.accounts.selected();
    let asked = params.refresh_token.unwrap_or_default() && auth.is_managed();
    let include_token = params.include_token.unwrap_or_default();
    if asked || auth.is_stale() || auth.needs_reauth() {
        let context = context.clone();
        return Ok(Answering::later(async move {
            context.services.accounts.selected().refresh_managed().await;
            Ok(status(&context, include_token).into())
        }));
    }
    Ok(Answering::Now(status(context, include_token).into()))
}

fn status(context: &Context, include_token: bool) -> GetAuthStatusResult {
    let requires_openai_auth = context.services.config().provider.requires_openai_auth;
    let auth = &context.services.accounts.selected();
    let include_token = include_token && !auth.needs_reauth();
    let (auth_method, auth_token) = auth.read(|credential| {
        let credential = credential.filter(|held| is_shown(held, context));
        let token = credential.filter(|held| include_token && may_see(context, held));
        (
            credential.map(|credential| credential.mode().into()),
            token.map(|token| token.bearer().duplicate()),
        )
    });
    GetAuthStatusResult {
        auth_method,
        auth_token,
        requires_openai_auth: Some(requires_openai_auth),
    }
}

/// Returns whether clients see the credential: if the provider needs an OpenAI login, or if it is a
/// bearer token for that provider.
fn is_shown(credential: &Credential, context: &Context) -> bool {
    let config = context.services.config();
    config.provider.requires_openai_auth || matches!(credential, Credential::Bearer(_))
}

/// Returns whether a connection may see the bearer of a credential. A host's tokens are returned
/// only to the connection that supplied them.
fn may_see(context: &Context, credential: &Credential) -> bool {
    match credential {
        Credential::External(login) => login.supplier == context.peer.id,
        Credential::Bearer(login) => login.supplier == context.peer.id,
        credential => credential.may_be_shown(),
    }
}
