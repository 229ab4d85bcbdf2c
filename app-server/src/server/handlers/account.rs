//! `account/read`, `account/logout` and `getAuthStatus`. They are synchronous, unless a managed
//! login is to be renewed first, or a store to be cleared.

use byokey_protocol::account::{
    AccountReadParams, AccountReadResult, AccountUpdated, GetAuthStatusParams, GetAuthStatusResult,
    LogoutParams,
};
use byokey_protocol::empty::Empty;
use byokey_protocol::error::ErrorKind;
use byokey_protocol::methods::AccountUpdatedNotification;

use crate::server::error::RequestError;
use crate::server::reply::{Answering, Context, Reply};
use byokey_auth::{Credential, Forgotten, Revocation};

pub(crate) fn account_read(
    context: &Context,
    params: AccountReadParams,
) -> Result<Answering<AccountReadResult>, RequestError> {
    if params.refresh_token && context.services.auth.is_managed() {
        let context = context.clone();
        return Ok(Answering::later(async move {
            context.services.auth.refresh_managed().await;
            Ok(account(&context).into())
        }));
    }
    Ok(Answering::Now(account(context).into()))
}

fn account(context: &Context) -> AccountReadResult {
    let requires_openai_auth = context.services.config().provider.requires_openai_auth;
    let auth = &context.services.auth;
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
    let auth = &context.services.auth;
    context.services.logins.cancel_active();
    let revocation = if params.revoke.unwrap_or(true) {
        Revocation::Revoke
    } else {
        Revocation::Leave
    };
    let (update, forgotten) = auth.logout(revocation);
    let epoch = auth.epoch();
    let forgotten = Some(forgotten).filter(|_| revocation == Revocation::Revoke);
    if !auth.is_persistent() {
        return Ok(Answering::Now(signed_out(Some(update), forgotten)));
    }
    let context = context.clone();
    Ok(Answering::change(async move {
        if let Some(over) = context.services.start.over() {
            over.await;
        }
        let auth = &context.services.auth;
        let unseen = auth.signed_out_unseen();
        let forgotten = forgotten.map(|seen| if seen.is_revocable() { seen } else { unseen });
        let cleared = auth.clear_store_after(epoch).await;
        // A login that was faster has been announced, and is in force.
        let update = Some(update).filter(|_| !auth.is_overtaken(epoch));
        if let Err(failure) = cleared {
            // The credential in memory is dropped in any case.
            announce(&context, update.as_ref());
            return Err(RequestError::failed(
                format!("logout failed: {failure}"),
                ErrorKind::StoreFailed.into(),
            ));
        }
        Ok(signed_out(update, forgotten))
    }))
}

fn signed_out(update: Option<AccountUpdated>, forgotten: Option<Forgotten>) -> Reply<Empty> {
    Reply::then(Empty {}, move |context| {
        announce(context, update.as_ref());
        if let Some(forgotten) = forgotten.filter(Forgotten::is_revocable) {
            let auth = context.services.auth.clone();
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
}

pub(crate) fn get_auth_status(
    context: &Context,
    params: GetAuthStatusParams,
) -> Result<Answering<GetAuthStatusResult>, RequestError> {
    let auth = &context.services.auth;
    let asked = params.refresh_token.unwrap_or_default() && auth.is_managed();
    let include_token = params.include_token.unwrap_or_default();
    if asked || auth.is_stale() || auth.needs_reauth() {
        let context = context.clone();
        return Ok(Answering::later(async move {
            context.services.auth.refresh_managed().await;
            Ok(status(&context, include_token).into())
        }));
    }
    Ok(Answering::Now(status(context, include_token).into()))
}

fn status(context: &Context, include_token: bool) -> GetAuthStatusResult {
    let requires_openai_auth = context.services.config().provider.requires_openai_auth;
    let auth = &context.services.auth;
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
