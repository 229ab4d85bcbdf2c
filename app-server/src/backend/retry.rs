//! Retries of requests, with exponential backoff and jitter. `outcome` decides what is retried.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use byokey_http::Response;

use super::BackendError;
use super::outcome::{Next, resend};

/// Delay before the first retry; it doubles each time (exponential backoff), with jitter.
const FIRST_DELAY: Duration = Duration::from_millis(200);

/// Sends until there is a response or a final failure, with at most `retries` retries.
pub(crate) async fn with_backoff<F>(
    retries: u32,
    is_short: bool,
    mut send: impl FnMut() -> F,
) -> Result<Response, BackendError>
where
    F: Future<Output = Result<Response, BackendError>>,
{
    let mut delays = delays(retries);
    let mut tried = 0;
    loop {
        let error = match send().await {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        let wait = match (resend(&error, is_short), delays.next()) {
            (Next::Again { at_most, wait }, Some(delay)) if at_most.is_none_or(|it| tried < it) => {
                wait.unwrap_or(delay)
            }
            _ => return Err(error),
        };
        drop(error);
        tried += 1;
        tokio::time::sleep(wait).await;
    }
}

/// Returns growing delays, one per retry.
pub(crate) fn delays(retries: u32) -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::default()
        .with_min_delay(FIRST_DELAY)
        .with_factor(2.0)
        .with_jitter()
        .with_max_times(usize::try_from(retries).unwrap_or_default())
        .build()
}
