//! `account/login/start`, `account/login/complete` and `account/login/cancel`.

use byokey_protocol::account::AccountUpdated;
use byokey_protocol::empty::Empty;
use byokey_protocol::error::ErrorKind;
use byokey_protocol::login::{
    CancelStatus, LoginCancelParams, LoginCancelResult, LoginCompleteParams, LoginCompleted,
    LoginStartParams, LoginStartResult,
};
use byokey_protocol::methods::{AccountUpdatedNotification, LoginCompletedNotification};
use uuid::Uuid;

use crate::config::Stops;
use crate::server::error::{Answered, RequestError};
use crate::server::reply::{Answering, Context, Outcome, Reply};
use byokey_auth::login::{PasteRefusal, StartFailure};
use byokey_auth::{ApiKey, Credential, LoginRefusal, SignInFailure, is_identifier};

pub(crate) fn login_start(
    context: &Context,
    params: LoginStartParams,
) -> Result<Answering<LoginStartResult>, RequestError> {
    context.services.check_configuration(Stops::Logins)?;
    let auth = &context.services.auth;
    match params {
        LoginStartParams::ChatgptAuthTokens(tokens) => {
            auth.check_external_login().map_err(Answered::answered)?;
            context.services.logins.cancel_active();
            let update = auth.login_external(tokens, context.peer.id);
            let update = update.map_err(Answered::answered)?;
            let result = LoginStartResult::ChatgptAuthTokens {};
            Ok(Answering::Now(complete(result, update)))
        }
        LoginStartParams::ApiKey { api_key } if !auth.keeps() => {
            auth.check_api_key_login().map_err(Answered::answered)?;
            context.services.logins.cancel_active();
            let update = auth.login_api_key(api_key, context.peer.id);
            let update = update.map_err(Answered::answered)?;
            let result = LoginStartResult::ApiKey {};
            Ok(Answering::Now(complete(result, update)))
        }
        LoginStartParams::ApiKey { api_key } => {
            auth.check_api_key_login().map_err(Answered::answered)?;
            context.services.logins.cancel_active();
            let key = ApiKey::new(api_key).map_err(LoginRefusal::Invalid);
            let key = key.map_err(Answered::answered)?;
            let login = auth.begin_login(Some(context.peer.id));
            let auth = auth.clone();
            Ok(Answering::change(async move {
                let update = auth.sign_in(Credential::ApiKey(key), login).await;
                let update = update.map_err(|failure| match failure {
                    SignInFailure::Store(failure) => RequestError::failed(
                        format!("failed to save api key: {failure}"),
                        ErrorKind::StoreFailed.into(),
                    ),
                    failure => failure.answered(),
                })?;
                Ok(complete(LoginStartResult::ApiKey {}, update))
            }))
        }
        LoginStartParams::PersonalAccessToken { access_token } => {
            auth.check_personal_login().map_err(Answered::answered)?;
            context.services.logins.cancel_active();
            let login = auth.begin_login(Some(context.peer.id));
            let auth = auth.clone();
            Ok(Answering::change(async move {
                let writable = auth.check_store().await.map_err(StartFailure::Store);
                writable.map_err(Answered::answered)?;
                let signed_in = async {
                    let credential = auth.introspect(access_token).await?;
                    auth.sign_in(credential, login).await
                };
                let update = signed_in.await.map_err(Answered::answered)?;
                Ok(complete(LoginStartResult::PersonalAccessToken {}, update))
            }))
        }
        LoginStartParams::Chatgpt {} => {
            auth.check_managed_login().map_err(Answered::answered)?;
            let services = context.services.clone();
            let arrival = services.logins.arrive(Some(context.peer.id));
            Ok(Answering::later(async move {
                let originator = services.backend.identity.originator();
                let started = services.logins.start_browser(arrival, originator).await;
                let started = started.map_err(Answered::answered)?;
                Ok(LoginStartResult::Chatgpt {
                    login_id: started.id.to_string(),
                    auth_url: started.url,
                }
                .into())
            }))
        }
        LoginStartParams::ChatgptDeviceCode {} => {
            auth.check_managed_login().map_err(Answered::answered)?;
            let services = context.services.clone();
            let arrival = services.logins.arrive(Some(context.peer.id));
            Ok(Answering::later(async move {
                let started = services.logins.start_device(arrival).await;
                let started = started.map_err(Answered::answered)?;
                Ok(LoginStartResult::ChatgptDeviceCode {
                    login_id: started.id.to_string(),
                    verification_url: started.url,
                    user_code: started.user_code,
                }
                .into())
            }))
        }
    }
}

/// Returns the reply of a login that is complete with it.
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

pub(crate) fn login_cancel(
    context: &Context,
    params: LoginCancelParams,
) -> Outcome<LoginCancelResult> {
    let found = context.services.logins.cancel(read_id(&params.login_id)?);
    let status = if found {
        CancelStatus::Canceled
    } else {
        CancelStatus::NotFound
    };
    Ok(LoginCancelResult {
        status: status.into(),
    }
    .into())
}

pub(crate) fn login_complete(
    context: &Context,
    params: LoginCompleteParams,
) -> Result<impl Future<Output = Outcome<Empty>> + use<>, RequestError> {
    let id = read_id(&params.login_id)?;
    let services = context.services.clone();
    Ok(async move {
        let taken = services.logins.complete(id, params.redirect_url).await;
        taken.map_err(|refusal| {
            let kind = match refusal {
                PasteRefusal::NoSuchLogin => ErrorKind::NotFound,
                PasteRefusal::NotOfThisLogin => ErrorKind::LoginFailed,
            };
            RequestError::refused(kind, refusal.to_string())
        })?;
        Ok(Empty {}.into())
    })
}

fn read_id(login_id: &str) -> Result<Uuid, RequestError> {
    Uuid::try_parse(login_id).map_err(|_| {
        let named = if is_identifier(login_id) {
            format!(": {login_id}")
        } else {
            String::new()
        };
        let message = format!("invalid login id{named}");
        RequestError::refused(ErrorKind::NotFound, message)
    })
}
