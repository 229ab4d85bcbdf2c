//! Token usage of a ChatGPT account over its lifetime.

use serde::{Deserialize, Serialize};

/// Parameters of `account/usage/read`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct UsageReadParams {
    /// Refused, kind `unsupported`: the usage of one thread is not read here. Null is the account's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
}

/// Result of `account/usage/read`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct UsageReadResult {
    /// Figures over the account's lifetime.
    pub summary: UsageSummary,
    /// Tokens by day, if the backend reports them.
    pub daily_usage_buckets: Option<Vec<DailyUsage>>,
}

/// Figures over the account's lifetime. Null where the backend does not report them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct UsageSummary {
    /// All tokens.
    pub lifetime_tokens: Option<i64>,
    /// Tokens of the busiest day.
    pub peak_daily_tokens: Option<i64>,
    /// Seconds of the longest turn.
    pub longest_running_turn_sec: Option<i64>,
    /// Days in a row until today.
    pub current_streak_days: Option<i64>,
    /// Most days in a row.
    pub longest_streak_days: Option<i64>,
}

/// Tokens of one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DailyUsage {
    /// The day, `YYYY-MM-DD`.
    pub start_date: String,
    /// Tokens used.
    pub tokens: i64,
}
