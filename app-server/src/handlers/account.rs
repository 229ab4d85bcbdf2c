//! `account/read`, `account/logout` and `getAuthStatus`: they never touch the network.

use byokey_protocol::account::{
    AccountReadParams, AccountReadResult, GetAuthStatusParams, GetAuthStatusResult,
};
use byokey_protocol::empty::Empty;
use byokey_protocol::methods::AccountUpdatedNotification;

use crate::auth::Credential;
use crate::reply::{Context, Outcome, Reply};

pub(crate) fn account_read(context: &Context, _: AccountReadParams) -> Outcome<AccountReadResult> {
    let requires_openai_auth = context.services.config.provider.requires_openai_auth;
    let account = if requires_openai_auth {
        context
            .services
            .auth
            .read(|credential| credential.map(Credential::account))
    } else {
        None
    };
    Ok(AccountReadResult {
        account,
        requires_openai_auth,
    }
    .into())
}

pub(crate) fn logout(context: &Context, _: Empty) -> Outcome<Empty> {
    let update = context.services.auth.logout();
    Ok(Reply::then(Empty {}, move |context| {
        context
            .services
            .peers
            .notify::<AccountUpdatedNotification>(&update);
    }))
}

pub(crate) fn get_auth_status(
    context: &Context,
    params: GetAuthStatusParams,
) -> Outcome<GetAuthStatusResult> {
    let requires_openai_auth = context.services.config.provider.requires_openai_auth;
    let include_token = params.include_token.unwrap_or_default();
    let (auth_method, auth_token) = context.services.auth.read(|credential| {
        let credential = credential.filter(|_| requires_openai_auth);
        let token = credential.filter(|_| include_token);
        (
            credential.map(Credential::mode),
            token.map(|token| token.bearer().duplicate()),
        )
    });
    let requires_openai_auth = Some(requires_openai_auth);
    Ok(GetAuthStatusResult {
        auth_method,
        auth_token,
        requires_openai_auth,
    }
    .into())
}
