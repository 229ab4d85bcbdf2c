//! Trying again after connection and server errors.

use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use byokey_http::Response;
use http::StatusCode;
use http::header::RETRY_AFTER;

use super::BackendError;

/// Delay before the first retry; it doubles each time, with jitter.
const FIRST_DELAY: Duration = Duration::from_millis(200);
/// Longest wait that a backend may ask for; a longer one is left to the caller.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(30);

/// Sends until there is an answer that is no server error, at most `retries` times more.
pub(crate) async fn with_backoff<F>(
    retries: u32,
    mut send: impl FnMut() -> F,
) -> Result<Response, BackendError>
where
    F: Future<Output = Result<Response, BackendError>>,
{
    let mut delays = delays(retries);
    loop {
        let sent = send().await;
        let asked = match &sent {
            Err(BackendError::Http(failure)) if failure.is_transient() => None,
            Err(BackendError::Interrupted) => None,
            Ok(response) if response.status().is_server_error() => retry_after(response),
            _ => return sent,
        };
        let wait = match (delays.next(), asked) {
            (None, _) => return sent,
            (Some(_), Some(asked)) if asked > MAX_RETRY_AFTER => return sent,
            (Some(delay), asked) => asked.unwrap_or(delay),
        };
        drop(sent);
        tokio::time::sleep(wait).await;
    }
}

/// Growing delays, as many as there are retries.
pub(crate) fn delays(retries: u32) -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::default()
        .with_min_delay(FIRST_DELAY)
        .with_factor(2.0)
        .with_jitter()
        .with_max_times(usize::try_from(retries).unwrap_or_default())
        .build()
}

/// The server's wish (RFC 9110 section 10.2.3): seconds or a date.
fn retry_after(response: &Response) -> Option<Duration> {
    if response.status() == StatusCode::NOT_IMPLEMENTED {
        return None;
    }
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}
