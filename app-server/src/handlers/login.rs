//! `account/login/start` and `account/login/cancel`.

use byokey_protocol::account::AccountUpdated;
use byokey_protocol::error::ErrorKind;
use byokey_protocol::login::{
    CancelStatus, LoginCancelParams, LoginCancelResult, LoginCompleted, LoginStartParams,
    LoginStartResult,
};
use byokey_protocol::methods::{AccountUpdatedNotification, LoginCompletedNotification};
use uuid::Uuid;

use crate::auth::{ApiKey, Credential, LoginRefusal, SignInFailure, is_identifier};
use crate::error::RequestError;
use crate::reply::{Answering, Context, Outcome, Reply};

pub(crate) fn login_start(
    context: &Context,
    params: LoginStartParams,
) -> Result<Answering<LoginStartResult>, RequestError> {
    let auth = &context.services.auth;
    match params {
        LoginStartParams::ChatgptAuthTokens(tokens) => {
            let update = auth.login_external(tokens, context.peer.id)?;
            let result = LoginStartResult::ChatgptAuthTokens {};
            Ok(Answering::Now(complete(result, update)))
        }
        LoginStartParams::ApiKey { api_key } if !auth.keeps() => {
            let update = auth.login_api_key(api_key)?;
            let result = LoginStartResult::ApiKey {};
            Ok(Answering::Now(complete(result, update)))
        }
        LoginStartParams::ApiKey { api_key } => {
            auth.check_api_key_login()?;
            let key = ApiKey::new(api_key).map_err(LoginRefusal::Invalid)?;
            let (auth, begun) = (auth.clone(), auth.epoch());
            Ok(Answering::later(async move {
                let update = auth.sign_in(Credential::ApiKey(key), begun).await;
                let update = update.map_err(|failure| match failure {
                    SignInFailure::Store(failure) => RequestError::failed(
                        format!("failed to save api key: {failure}"),
                        ErrorKind::StoreFailed.into(),
                    ),
                    failure => failure.into(),
                })?;
                Ok(complete(LoginStartResult::ApiKey {}, update))
            }))
        }
        LoginStartParams::PersonalAccessToken { access_token } => {
            auth.check_personal_login()?;
            let (auth, begun) = (auth.clone(), auth.epoch());
            Ok(Answering::later(async move {
                let credential = auth.introspect(access_token).await?;
                let update = auth.sign_in(credential, begun).await?;
                Ok(complete(LoginStartResult::PersonalAccessToken {}, update))
            }))
        }
        LoginStartParams::Chatgpt {} | LoginStartParams::ChatgptDeviceCode {} => {
            auth.check_managed_login()?;
            Err(RequestError::refused(
                ErrorKind::Unsupported,
                "this server does not run ChatGPT logins itself yet; use chatgptAuthTokens, \
                 apiKey or personalAccessToken",
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
