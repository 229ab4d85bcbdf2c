//! Rate limits of a ChatGPT account.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::account::PlanType;
use crate::open::Open;

/// Result of `account/rateLimits/read`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RateLimitsReadResult {
    /// The limit named `codex`, or the first one.
    pub rate_limits: RateLimitSnapshot,
    /// All limits by id.
    pub rate_limits_by_limit_id: Option<BTreeMap<String, RateLimitSnapshot>>,
}

/// Parameters of the notification `account/rateLimits/updated`.
///
/// The snapshot is sparse: null means unchanged. Clients merge by `limitId`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RateLimitsUpdated {
    /// The changes.
    pub rate_limits: RateLimitSnapshot,
}

/// The state of one limit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RateLimitSnapshot {
    /// Id of the limit; the main one is `codex`.
    pub limit_id: Option<String>,
    /// Display name.
    pub limit_name: Option<String>,
    /// The shorter window.
    pub primary: Option<RateLimitWindow>,
    /// The longer window.
    pub secondary: Option<RateLimitWindow>,
    /// Bought credits.
    pub credits: Option<Credits>,
    /// Plan of the account.
    pub plan_type: Option<Open<PlanType>>,
    /// The limit that is reached, if one is.
    pub rate_limit_reached_type: Option<Open<RateLimitReached>>,
}

/// The use of one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RateLimitWindow {
    /// Used part in percent, rounded.
    pub used_percent: i32,
    /// Length of the window in minutes.
    pub window_duration_mins: Option<i64>,
    /// The reset of the window, in Unix seconds.
    pub resets_at: Option<i64>,
}

/// Bought credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Credits {
    /// Whether there are any.
    pub has_credits: bool,
    /// Whether they are unlimited.
    pub unlimited: bool,
    /// The balance, as the backend writes it.
    pub balance: Option<String>,
}

/// The limit that is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RateLimitReached {
    /// The plan's own limit.
    RateLimitReached,
    /// The workspace's owner has no credits left.
    WorkspaceOwnerCreditsDepleted,
    /// The member has no credits left.
    WorkspaceMemberCreditsDepleted,
    /// The workspace's owner reached the usage limit.
    WorkspaceOwnerUsageLimitReached,
    /// The member reached the usage limit.
    WorkspaceMemberUsageLimitReached,
}
