//! Bounded reading of response bodies.

use byokey_http::Response;
use serde::de::DeserializeOwned;

use tokio::time::Instant;

use super::limits::{Limit, MAX_ERROR_BODY, MAX_JSON_BODY};
use super::{Backend, BackendError, Call, Service, signed_out};
use byokey_auth::{AccountIdentity, Lease};

/// A type of JSON documents.
pub(crate) trait Document: DeserializeOwned {
    /// Whether the document may be a list. Serde accepts any list for a struct.
    const MAY_BE_LIST: bool = false;
}

/// Reads a JSON document.
pub(crate) async fn json<T: Document>(response: Response) -> Result<T, BackendError> {
    let body = whole(response).await?;
    // As text, because lenient members are parsed again.
    let text = std::str::from_utf8(&body).map_err(|_| BackendError::UnexpectedBody)?;
    if text.trim_start().starts_with('[') && !T::MAY_BE_LIST {
        return Err(BackendError::UnexpectedBody);
    }
    serde_json::from_str(text).map_err(|_| BackendError::UnexpectedBody)
}

/// Reads a document to its end.
pub(crate) async fn whole(mut response: Response) -> Result<Vec<u8>, BackendError> {
    let announced = response.content_length().unwrap_or_default();
    if usize::try_from(announced).is_ok_and(|length| length > MAX_JSON_BODY) {
        return Err(Limit::JsonBody.into());
    }
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await;
        let Some(chunk) = chunk.map_err(|_| BackendError::Interrupted)? else {
            break;
        };
        if body.len() + chunk.len() > MAX_JSON_BODY {
            return Err(Limit::JsonBody.into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Reads the beginning of an error body; `None` if it breaks off or is too long.
pub(crate) async fn some(mut response: Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ERROR_BODY {
            return None;
        }
    }
    Some(body)
}

impl Backend {
    /// Reads a small JSON response of the ChatGPT backend or the API.
    pub(super) async fn get_json<T: Document>(
        &self,
        lease: Option<Lease>,
        service: Service,
        path: &'static str,
        query: Vec<(&'static str, String)>,
        deadline: Instant,
    ) -> Result<T, BackendError> {
        let call = Call {
            query,
            ..Call::get(service, path, deadline)
        };
        Ok(self.read_json(&call, lease).await?.0)
    }

    /// Makes a call with a small JSON response, and returns it with the account of the call, if it
    /// carried the credential in force.
    pub(super) async fn read_json<T: Document>(
        &self,
        call: &Call<'_>,
        lease: Option<Lease>,
    ) -> Result<(T, Option<AccountIdentity>), BackendError> {
        let signed_out = signed_out(lease.as_ref());
        let answer = self.send(call, lease, &|_| true).await?;
        // A separate future, so that a queued call stays small.
        let body = Box::pin(json(answer.response));
        tokio::select! {
            body = tokio::time::timeout_at(answer.deadline, body) => {
                let body = body.map_err(|_| BackendError::Timeout)??;
                Ok((body, answer.account))
            }
            () = signed_out => Err(BackendError::SignedOut),
        }
    }
}
