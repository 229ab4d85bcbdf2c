//! Calls for the account: rate limits and usage.

use byokey_protocol::limits::{RateLimitsReadParams, RateLimitsReadResult};
use byokey_protocol::usage::{DailyUsage, UsageReadResult, UsageSummary};
use serde::Deserialize;
use tokio::time::Instant;

use super::body::Document;
use super::lenient::{self, Elements, Integer, Name};
use super::limits::{CALL_DEADLINE, MAX_DAYS};
use super::usage::UsageAnswer;
use super::{Backend, BackendError, Call, Service};
use byokey_auth::{AccountIdentity, Lease};

#[derive(Deserialize)]
struct ProfileAnswer {
    #[serde(default, deserialize_with = "lenient::member")]
    stats: Option<Stats>,
}

impl Document for ProfileAnswer {}

#[derive(Default, Deserialize)]
struct Stats {
    #[serde(default, deserialize_with = "lenient::member")]
    lifetime_tokens: Option<Integer>,
    #[serde(default, deserialize_with = "lenient::member")]
    peak_daily_tokens: Option<Integer>,
    #[serde(default, deserialize_with = "lenient::member")]
    longest_running_turn_sec: Option<Integer>,
    #[serde(default, deserialize_with = "lenient::member")]
    current_streak_days: Option<Integer>,
    #[serde(default, deserialize_with = "lenient::member")]
    longest_streak_days: Option<Integer>,
    #[serde(default, deserialize_with = "lenient::list")]
    daily_usage_buckets: Option<Elements<Bucket, MAX_DAYS>>,
}

#[derive(Deserialize)]
struct Bucket {
    start_date: Name,
    tokens: Integer,
}

impl Backend {
    /// Reads the rate limits and, if the account has credits that reset them, their list.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn rate_limits(
        &self,
        lease: Lease,
        params: RateLimitsReadParams,
    ) -> Result<RateLimitsReadResult, BackendError> {
        let deadline = Instant::now() + CALL_DEADLINE;
        let call = Call::get(Service::Account, "/usage", deadline);
        let read = self.read_json::<UsageAnswer>(&call, Some(lease)).await;
        let (answer, account) = read?;
        let mut limits = answer.into_limits(account.as_ref());
        let credits = limits
            .rate_limit_reset_credits
            .take_if(|credits| credits.available_count > 0 && !params.exclude_reset_credit_details);
        if let Some(credits) = credits {
            // Not under another account, which may have signed in meanwhile.
            let lease = self.auth.lease();
            let is_same = |lease: &Lease| {
                AccountIdentity::are_same(account.as_ref(), Some(&lease.credential.identity()))
            };
            let lease = lease.filter(is_same);
            limits.rate_limit_reset_credits = Some(match lease {
                // A separate future, so that a queued call stays small.
                Some(lease) => Box::pin(self.with_reset_credits(lease, credits, deadline)).await,
                None => credits,
            });
        }
        Ok(limits)
    }

    /// Reads the token usage.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn usage(&self, lease: Lease) -> Result<UsageReadResult, BackendError> {
        let deadline = Instant::now() + CALL_DEADLINE;
        let answer: ProfileAnswer = self
            .get_json(
                Some(lease),
                Service::Account,
                "/profiles/me",
                Vec::new(),
                deadline,
            )
            .await?;
        let stats = answer.stats.unwrap_or_default();
        let number = |number: Option<Integer>| number.map(|number| number.0);
        let daily = |bucket: Bucket| DailyUsage {
            start_date: bucket.start_date.0,
            tokens: bucket.tokens.0,
        };
        Ok(UsageReadResult {
            summary: UsageSummary {
                lifetime_tokens: number(stats.lifetime_tokens),
                peak_daily_tokens: number(stats.peak_daily_tokens),
                longest_running_turn_sec: number(stats.longest_running_turn_sec),
                current_streak_days: number(stats.current_streak_days),
                longest_streak_days: number(stats.longest_streak_days),
            },
            daily_usage_buckets: stats
                .daily_usage_buckets
                .map(|buckets| buckets.0.into_iter().map(daily).collect()),
        })
    }
}
