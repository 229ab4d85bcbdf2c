//! `account/login/start` and `account/login/cancel`.

use byokey_protocol::account::AccountUpdated;
use byokey_protocol::error::ErrorKind;
use byokey_protocol::login::{
    CancelStatus, LoginCancelParams, LoginCancelResult, LoginCompleted, LoginStartParams,
    LoginStartResult,
};
use byokey_protocol::methods::{AccountUpdatedNotification, LoginCompletedNotification};
use uuid::Uuid;

use crate::auth::is_identifier;
use crate::error::RequestError;
use crate::reply::{Context, Outcome, Reply};

pub(crate) fn login_start(
    context: &Context,
    params: LoginStartParams,
) -> Outcome<LoginStartResult> {
    let auth = &context.services.auth;
    match params {
        LoginStartParams::ChatgptAuthTokens(tokens) => {
            let update = auth.login_external(tokens, context.peer.id)?;
            Ok(complete(LoginStartResult::ChatgptAuthTokens {}, update))
        }
        LoginStartParams::ApiKey { api_key } => {
            let update = auth.login_api_key(api_key)?;
            Ok(complete(LoginStartResult::ApiKey {}, update))
        }
        LoginStartParams::Chatgpt {}
        | LoginStartParams::ChatgptDeviceCode {}
        | LoginStartParams::PersonalAccessToken { .. } => {
            auth.check_managed_login()?;
            Err(RequestError::refused(
                ErrorKind::Unsupported,
                "this server does not run logins itself yet; use chatgptAuthTokens or apiKey",
            ))
        }
    }
}

/// A login that is complete with its answer.
fn complete(result: LoginStartResult, update: AccountUpdated) -> Reply<LoginStartResult> {
    Reply::then(result, move |context| {
        let completed = LoginCompleted {
            login_id: None,
            success: true,
            error: None,
        };
        let peers = &context.services.peers;
        peers.notify::<LoginCompletedNotification>(&completed);
        peers.notify::<AccountUpdatedNotification>(&update);
    })
}

pub(crate) fn login_cancel(_: &Context, params: LoginCancelParams) -> Outcome<LoginCancelResult> {
    let login_id = params.login_id;
    if Uuid::try_parse(&login_id).is_err() {
        let named = if is_identifier(&login_id) {
            format!(": {login_id}")
        } else {
            String::new()
        };
        let message = format!("invalid login id{named}");
        return Err(RequestError::refused(ErrorKind::NotFound, message));
    }
    // No login of this server waits for its user.
    Ok(LoginCancelResult {
        status: CancelStatus::NotFound,
    }
    .into())
}
