//! `account/login/start`, `account/login/complete` and `account/login/cancel`.

use std::sync::Arc;

use byokey_protocol::account::AccountUpdated;
use byokey_protocol::bearer_token::BearerTokenLogin;
use byokey_protocol::empty::Empty;
use byokey_protocol::error::ErrorKind;
use byokey_protocol::external_auth::ExternalTokens;
use byokey_protocol::login::{
    CancelStatus, LoginCancelParams, LoginCancelResult, LoginCompleteParams, LoginCompleted,
    LoginStartParams, LoginStartResult,
};
use byokey_protocol::methods::{AccountUpdatedNotification, LoginCompletedNotification};
use byokey_protocol::secret::Secret;
use futures_util::FutureExt as _;
use uuid::Uuid;

use crate::backend::{RoutingFailure, WorkspaceRoute};
use crate::config::Stops;
use crate::server::error::{Answered, RequestError};
use crate::server::reply::{Answering, Context, Outcome, Reply};
use byokey_auth::login::{PasteRefusal, StartFailure};
use byokey_auth::{
    ApiKey, AuthManager, ExternalLogin, LoginRefusal, OwnCredential, OwnLoginFailure, PeerId,
    PendingLogin, is_identifier,
};

/// What the answer to a login waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoginWait {
    /// Nothing.
    Nothing,
    /// The start of an interactive login.
    Start,
    /// A change of the account, by the issuer or the store.
    Change,
}

/// Returns what the answer to a login will wait for.
pub(crate) fn login_wait(context: &Context, params: &LoginStartParams) -> LoginWait {
    match params {
        LoginStartParams::ChatgptAuthTokens(_) | LoginStartParams::BearerToken(_) => {
            LoginWait::Nothing
        }
        LoginStartParams::ApiKey { .. } if !context.services.auth.is_persistent() => {
            LoginWait::Nothing
        }
        LoginStartParams::ApiKey { .. } | LoginStartParams::PersonalAccessToken { .. } => {
            LoginWait::Change
        }
        LoginStartParams::Chatgpt {} | LoginStartParams::ChatgptDeviceCode {} => LoginWait::Start,
    }
}

pub(crate) fn login_start(
    context: &Context,
    params: LoginStartParams,
) -> Result<Answering<LoginStartResult>, RequestError> {
    context.services.check_configuration(Stops::Logins)?;
    let auth = &context.services.auth;
    match params {
        LoginStartParams::ChatgptAuthTokens(tokens) => {
            auth.check_external_login().map_err(Answered::answered)?;
            check_routing(context, &tokens)?;
            sign_in(context, Given::Tokens(tokens))
        }
        LoginStartParams::ApiKey { api_key } => {
            auth.check_api_key_login().map_err(Answered::answered)?;
            sign_in(context, Given::ApiKey(api_key))
        }
        LoginStartParams::PersonalAccessToken { access_token } => {
            auth.check_personal_login().map_err(Answered::answered)?;
            sign_in(context, Given::PersonalAccessToken(access_token))
        }
        LoginStartParams::BearerToken(login) => {
            auth.check_bearer_login().map_err(Answered::answered)?;
            let config = context.services.check_configuration(Stops::ModelCalls)?;
            let origin = config.bearer_origin(&login.origin);
            let origin = origin.map_err(Answered::answered)?;
            sign_in(context, Given::Bearer(login, origin))
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

/// Checks the routing that the host hands over, before anything changes.
fn check_routing(context: &Context, tokens: &ExternalTokens) -> Result<(), RequestError> {
    let Some(routing) = &tokens.workspace_routing else {
        return Ok(());
    };
    let invalid = |member: &str, problem: &str| {
        RequestError::invalid_params(format!("workspaceRouting.{member}"), problem)
    };
    // The login reports tokens that cannot be used.
    let account = ExternalLogin::account_of(tokens).ok();
    if account.is_some_and(|account| account.id.as_ref() != Some(&routing.chatgpt_account_id)) {
        let problem = "must be the account of the tokens";
        return Err(invalid("chatgptAccountId", problem));
    }
    let config = context.services.config();
    match WorkspaceRoute::of(&config, routing) {
        Ok(_) => Ok(()),
        Err(RoutingFailure::Policy) => Err(invalid(
            "accountRoutingOverride",
            "must be 1 to 64 letters, digits, hyphens and underscores",
        )),
        Err(_) => Err(invalid(
            "backendOrigin",
            "must be an https:// origin at or below the backend's own domain, or one listed in \
             `workspace_origins` in the table [byokey]",
        )),
    }
}

/// The credentials contained in a request.
enum Given {
    Tokens(ExternalTokens),
    ApiKey(Secret),
    PersonalAccessToken(Secret),
    /// With the normalised origin.
    Bearer(BearerTokenLogin, String),
}

impl Given {
    const fn result(&self) -> LoginStartResult {
        match self {
            Self::Tokens(_) => LoginStartResult::ChatgptAuthTokens {},
            Self::ApiKey(_) => LoginStartResult::ApiKey {},
            Self::PersonalAccessToken(_) => LoginStartResult::PersonalAccessToken {},
            Self::Bearer(..) => LoginStartResult::BearerToken {},
        }
    }

    /// Logs in. The synchronous part, without the issuer or a store, runs at the first poll.
    async fn login(
        self,
        auth: Arc<AuthManager>,
        peer: PeerId,
        login: PendingLogin,
    ) -> Result<AccountUpdated, RequestError> {
        match self {
            Self::Tokens(tokens) => auth
                .login_external(tokens, peer)
                .map_err(Answered::answered),
            Self::Bearer(login, origin) => auth
                .login_bearer(login, origin, peer)
                .map_err(Answered::answered),
            Self::ApiKey(key) if !auth.is_persistent() => {
                auth.login_api_key(key, peer).map_err(Answered::answered)
            }
            Self::ApiKey(key) => {
                let key = ApiKey::new(key).map_err(LoginRefusal::Invalid);
                let key = OwnCredential::ApiKey(key.map_err(Answered::answered)?);
                let update = auth.login_own(key, login).await;
                update.map_err(|failure| match failure {
                    OwnLoginFailure::Store(failure) => RequestError::failed(
                        format!("failed to save api key: {failure}"),
                        ErrorKind::StoreFailed.into(),
                    ),
                    failure => failure.answered(),
                })
            }
            Self::PersonalAccessToken(token) => {
                let writable = auth.check_store().await.map_err(StartFailure::Store);
                writable.map_err(Answered::answered)?;
                let credential = auth.introspect(token).await;
                let credential = credential.map_err(Answered::answered)?;
                let update = auth.login_own(credential, login).await;
                update.map_err(Answered::answered)
            }
        }
    }
}

/// Logs in with credentials of an allowed kind from the request: synchronously, unless the issuer or a store is
/// involved.
fn sign_in(context: &Context, given: Given) -> Result<Answering<LoginStartResult>, RequestError> {
    let auth = &context.services.auth;
    context.services.logins.cancel_active();
    let (peer, result) = (context.peer.id, given.result());
    let login = auth.begin_login(Some(peer));
    // A logout that was requested before takes its turn at the store in its task. One of these
    // queues behind it in its own, or the logout would remove what it has just saved.
    let is_hosts = matches!(given, Given::Tokens(_) | Given::Bearer(..));
    let uses_store = auth.is_persistent() && !is_hosts;
    let mut update = Box::pin(given.login(Arc::clone(auth), peer, login));
    let done = if uses_store {
        None
    } else {
        update.as_mut().now_or_never()
    };
    Ok(match done {
        Some(update) => Answering::Now(complete(result, update?)),
        None => Answering::change(async move { Ok(complete(result, update.await?)) }),
    })
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
