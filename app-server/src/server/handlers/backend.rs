//! `account/rateLimits/read`, `account/usage/read` and `model/list`: calls to the backend with the
//! credential in force at their arrival.

use byokey_protocol::empty::Empty;
use byokey_protocol::error::ErrorKind;
use byokey_protocol::limits::RateLimitsReadResult;
use byokey_protocol::models::{Model, ModelListParams, ModelListResult};
use byokey_protocol::usage::UsageReadResult;

use crate::backend::BackendError;
use crate::server::error::RequestError;
use crate::server::reply::{Context, Outcome};
use byokey_auth::Lease;

pub(crate) fn rate_limits_read(
    context: &Context,
    _: Empty,
) -> Result<impl Future<Output = Outcome<RateLimitsReadResult>> + use<>, RequestError> {
    let lease = chatgpt_lease(context, "rate limits")?;
    let backend = context.services.backend.clone();
    Ok(async move {
        let limits = backend.rate_limits(lease).await;
        Ok(limits
            .map_err(|error| failed("failed to fetch codex rate limits", &error))?
            .into())
    })
}

pub(crate) fn usage_read(
    context: &Context,
    _: Empty,
) -> Result<impl Future<Output = Outcome<UsageReadResult>> + use<>, RequestError> {
    let lease = chatgpt_lease(context, "token usage")?;
    let backend = context.services.backend.clone();
    Ok(async move {
        let usage = backend.usage(lease).await;
        Ok(usage
            .map_err(|error| failed("failed to fetch token usage profile", &error))?
            .into())
    })
}

pub(crate) fn model_list(
    context: &Context,
    params: ModelListParams,
) -> Result<impl Future<Output = Outcome<ModelListResult>> + use<>, RequestError> {
    let start = match params.cursor.as_deref() {
        None => 0,
        Some(cursor) => cursor.parse::<usize>().map_err(|_| {
            RequestError::refused(ErrorKind::InvalidParams, "invalid cursor; use a nextCursor")
        })?,
    };
    let lease = context.services.auth.lease();
    let backend = context.services.backend.clone();
    Ok(async move {
        let models = backend.models(lease).await;
        let models = models.map_err(|error| failed("failed to fetch models", &error))?;
        Ok(page(models, start, &params)?.into())
    })
}

fn page(
    models: Vec<Model>,
    start: usize,
    params: &ModelListParams,
) -> Result<ModelListResult, RequestError> {
    let hidden_too = params.include_hidden.unwrap_or_default();
    let shown: Vec<_> = models
        .into_iter()
        .filter(|model| hidden_too || !model.hidden)
        .collect();
    let total = shown.len();
    if start > total {
        let message = format!("cursor {start} exceeds total models {total}");
        return Err(RequestError::refused(ErrorKind::InvalidParams, message));
    }
    let limit = params.limit.map_or(total, |limit| {
        usize::try_from(limit.max(1)).unwrap_or(total)
    });
    let end = start.saturating_add(limit).min(total);
    Ok(ModelListResult {
        data: shown.into_iter().take(end).skip(start).collect(),
        next_cursor: (end < total).then(|| end.to_string()),
    })
}

/// Returns the credential, if it is a ChatGPT account.
fn chatgpt_lease(context: &Context, what: &str) -> Result<Lease, RequestError> {
    let Some(lease) = context.services.auth.lease() else {
        let message = format!("codex account authentication required to read {what}");
        return Err(RequestError::refused(ErrorKind::AuthRequired, message));
    };
    if lease.credential.chatgpt().is_none() {
        let message = format!("chatgpt authentication required to read {what}");
        return Err(RequestError::refused(
            ErrorKind::ChatgptAuthRequired,
            message,
        ));
    }
    Ok(lease)
}

fn failed(what: &str, error: &BackendError) -> RequestError {
    RequestError::failed(format!("{what}: {error}"), error.data())
}
