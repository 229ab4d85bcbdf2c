//! Bounded reading of response bodies.

use byokey_http::Response;
use serde::de::DeserializeOwned;

use super::BackendError;
use super::limits::{Limit, MAX_ERROR_BODY, MAX_JSON_BODY};

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
