//! `account/rateLimits/read`, `account/rateLimitResetCredit/consume`, `account/usage/read` and
//! `model/list`: calls to the backend with the credential in force at their arrival.

use byokey_protocol::error::{ErrorKind, TOO_LARGE};
use byokey_protocol::limits::{
    RateLimitsReadParams, RateLimitsReadResult, ResetCreditConsumeParams, ResetCreditConsumeResult,
};
use byokey_protocol::models::{Model, ModelListParams, ModelListResult};
use byokey_protocol::usage::{UsageReadParams, UsageReadResult};

use crate::backend::BackendError;
use crate::server::error::RequestError;
use crate::server::reply::{Context, Outcome};
use byokey_auth::Lease;

/// Longest key of an attempt to spend a credit, and longest id of a credit.
const MAX_ID: usize = 256;

pub(crate) fn rate_limits_read(
    context: &Context,
    params: RateLimitsReadParams,
) -> Result<impl Future<Output = Outcome<RateLimitsReadResult>> + use<>, RequestError> {
    let lease = chatgpt_lease(context, "to read rate limits")?;
    let backend = context.services.backend.clone();
    Ok(async move {
        let limits = backend.rate_limits(lease, params).await;
        Ok(limits
            .map_err(|error| failed("failed to fetch codex rate limits", &error))?
            .into())
    })
}

pub(crate) fn reset_credit_consume(
    context: &Context,
    params: ResetCreditConsumeParams,
) -> Result<impl Future<Output = Outcome<ResetCreditConsumeResult>> + use<>, RequestError> {
    for (path, id) in [
        ("idempotencyKey", Some(&params.idempotency_key)),
        ("creditId", params.credit_id.as_ref()),
    ] {
        let problem = match id.map(String::len) {
            Some(0) => "must not be empty",
            Some(length) if length > MAX_ID => TOO_LARGE,
            _ => continue,
        };
        return Err(RequestError::invalid_params(path, problem));
    }
    let lease = chatgpt_lease(context, "for rate limit reset credits")?;
    let backend = context.services.backend.clone();
    Ok(async move {
        let outcome = backend.consume_reset_credit(lease, &params).await;
        let outcome =
            outcome.map_err(|error| failed("failed to consume rate limit reset", &error))?;
        let outcome = outcome.into();
        Ok(ResetCreditConsumeResult { outcome }.into())
    })
}

pub(crate) fn usage_read(
    context: &Context,
    params: UsageReadParams,
) -> Result<impl Future<Output = Outcome<UsageReadResult>> + use<>, RequestError> {
    if params.thread_id.is_some() {
        let message = "account/usage/read does not support threadId; without it, it returns the \
                       usage of the account";
        return Err(RequestError::refused(ErrorKind::Unsupported, message));
    }
    let lease = chatgpt_lease(context, "to read token usage")?;
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
fn chatgpt_lease(context: &Context, purpose: &str) -> Result<Lease, RequestError> {
    let Some(lease) = context.services.auth.lease() else {
        let message = format!("codex account authentication required {purpose}");
        return Err(RequestError::refused(ErrorKind::AuthRequired, message));
    };
    if lease.credential.chatgpt().is_none() {
        let message = format!("chatgpt authentication required {purpose}");
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
