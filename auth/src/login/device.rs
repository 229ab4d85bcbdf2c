//! A login on another device (RFC 8628): the user enters a code there, while this program polls.

use std::time::Duration;

use tokio::time::Instant;

use super::failure::LoginFailure;
use super::grantor::{CodeGrant, DeviceCode, DevicePoll};
use super::session::Session;
use crate::IssuerFailure;

/// Deadline of the user.
const DEADLINE: Duration = Duration::from_secs(15 * 60);
/// Added to the polling interval each time the issuer answers `slow_down` (RFC 8628 section 3.5).
const SLOWER: Duration = Duration::from_secs(5);

/// Polls until the user is done, and logs in.
pub(super) async fn run(code: DeviceCode, session: &Session) -> Result<(), LoginFailure> {
    let tokens = async {
        let grant = tokio::time::timeout(DEADLINE, granted(&code, session))
            .await
            .map_err(|_| LoginFailure::DeviceTimedOut)??;
        let tokens = session.grantor.exchange(&grant);
        drop(grant);
        tokens.await.map_err(LoginFailure::DeviceExchange)
    };
    let tokens = tokio::select! {
        tokens = tokens => tokens?,
        () = session.cancelled() => return Err(LoginFailure::NotCompleted),
    };
    session.sign_in(tokens).await
}

async fn granted(code: &DeviceCode, session: &Session) -> Result<CodeGrant, LoginFailure> {
    let mut interval = code.interval;
    loop {
        tokio::time::sleep_until(Instant::now() + interval).await;
        match session.grantor.poll_device(code).await {
            Ok(DevicePoll::Granted(grant)) => return Ok(grant),
            Ok(DevicePoll::Pending) => {}
            Ok(DevicePoll::SlowDown) => interval += SLOWER,
            // The network may recover; exponential backoff, as the standard asks.
            Err(IssuerFailure::Unreachable { .. }) => interval = (interval * 2).min(DEADLINE),
            Err(failure) => return Err(LoginFailure::Device(failure)),
        }
    }
}
