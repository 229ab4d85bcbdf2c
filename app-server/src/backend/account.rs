//! Calls about the account: rate limits and usage.

use byokey_protocol::limits::RateLimitsReadResult;
use byokey_protocol::usage::{DailyUsage, UsageReadResult, UsageSummary};
use serde::Deserialize;

use super::rate_limits::UsageAnswer;
use super::{Backend, BackendError, Service};
use byokey_auth::Lease;

#[derive(Deserialize)]
struct ProfileAnswer {
    stats: Stats,
}

#[derive(Deserialize)]
struct Stats {
    lifetime_tokens: Option<i64>,
    peak_daily_tokens: Option<i64>,
    longest_running_turn_sec: Option<i64>,
    current_streak_days: Option<i64>,
    longest_streak_days: Option<i64>,
    daily_usage_buckets: Option<Vec<Bucket>>,
}

#[derive(Deserialize)]
struct Bucket {
    start_date: String,
    tokens: i64,
}

impl Backend {
    /// Reads the rate limits.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn rate_limits(&self, lease: Lease) -> Result<RateLimitsReadResult, BackendError> {
        let answer: UsageAnswer = self
            .get_json(Some(lease), Service::Account, "/usage", Vec::new())
            .await?;
        Ok(answer.into())
    }

    /// Reads the token usage.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn usage(&self, lease: Lease) -> Result<UsageReadResult, BackendError> {
        let answer: ProfileAnswer = self
            .get_json(Some(lease), Service::Account, "/profiles/me", Vec::new())
            .await?;
        let stats = answer.stats;
        let daily = |bucket: Bucket| DailyUsage {
            start_date: bucket.start_date,
            tokens: bucket.tokens,
        };
        Ok(UsageReadResult {
            summary: UsageSummary {
                lifetime_tokens: stats.lifetime_tokens,
                peak_daily_tokens: stats.peak_daily_tokens,
                longest_running_turn_sec: stats.longest_running_turn_sec,
                current_streak_days: stats.current_streak_days,
                longest_streak_days: stats.longest_streak_days,
            },
            daily_usage_buckets: stats
                .daily_usage_buckets
                .map(|buckets| buckets.into_iter().map(daily).collect()),
        })
    }
}
