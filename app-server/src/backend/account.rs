//! Calls for the account: rate limits and usage.

use byokey_protocol::limits::RateLimitsReadResult;
use byokey_protocol::usage::{DailyUsage, UsageReadResult, UsageSummary};
use serde::Deserialize;
use tokio::time::Instant;

use super::body::Document;
use super::lenient::{self, Elements, Integer, Name};
use super::limits::{CALL_DEADLINE, MAX_DAYS};
use super::usage::UsageAnswer;
use super::{Backend, BackendError, Service};
use byokey_auth::Lease;

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
    /// Reads the rate limits.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn rate_limits(&self, lease: Lease) -> Result<RateLimitsReadResult, BackendError> {
        let deadline = Instant::now() + CALL_DEADLINE;
        let answer: UsageAnswer = self
            .get_json(
                Some(lease),
                Service::Account,
                "/usage",
                Vec::new(),
                deadline,
            )
            .await?;
        Ok(answer.into())
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
