//! A login on another device (RFC 8628): the user enters a code there, while this program polls.

use std::time::Duration;

use tokio::time::Instant;

use super::attempt::LoginAttempt;
use super::authorization_server::{CodeGrant, DeviceCode, DevicePoll};
use super::failure::LoginFailure;
use crate::IssuerFailure;

/// How long a login on another device waits for its user.
pub const DEVICE_DEADLINE: Duration = Duration::from_secs(15 * 60);
/// Added to the polling interval each time the issuer answers `slow_down` (RFC 8628 section 3.5).
const SLOWER: Duration = Duration::from_secs(5);
/// Longest wait between two polls after failures.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Polls until the user is done, and logs in.
pub(super) async fn run(code: DeviceCode, attempt: &LoginAttempt) -> Result<(), LoginFailure> {
    let tokens = async {
        let grant = tokio::time::timeout(DEVICE_DEADLINE, granted(&code, attempt))
            .await
            .map_err(|_| LoginFailure::DeviceTimedOut)??;
        let tokens = attempt.authorization_server.exchange(&grant);
        drop(grant);
        tokens.await.map_err(LoginFailure::DeviceExchange)
    };
    let tokens = tokio::select! {
        tokens = tokens => tokens?,
        () = attempt.cancelled() => return Err(LoginFailure::NotCompleted),
    };
    attempt.log_in(tokens).await
}

async fn granted(code: &DeviceCode, attempt: &LoginAttempt) -> Result<CodeGrant, LoginFailure> {
    let mut interval = code.interval;
    let mut wait = interval;
    let mut is_held_up = false;
    loop {
        tokio::time::sleep_until(Instant::now() + wait).await;
        match attempt.authorization_server.poll_device(code).await {
            Ok(DevicePoll::Granted(grant)) => return Ok(grant),
            Ok(DevicePoll::Pending) => wait = interval,
            Ok(DevicePoll::SlowDown) => {
                interval += SLOWER;
                wait = interval;
            }
            // The network or a gateway may recover; exponential backoff, as the standard asks.
            Ok(DevicePoll::Unavailable) | Err(IssuerFailure::Unreachable { .. }) => {
                wait = (wait * 2).min(LONGEST_WAIT.max(interval));
            }
            // The code stays valid, and the user may change the network meanwhile.
            Err(failure @ (IssuerFailure::Challenged { .. } | IssuerFailure::CountryRefused)) => {
                wait = interval;
                if !std::mem::replace(&mut is_held_up, true) {
                    let why =
                        format!("the device login waits until it can be asked for: {failure}");
                    attempt.report.held_up(&why);
                }
            }
            Err(failure) => return Err(LoginFailure::Device(failure)),
        }
    }
}
