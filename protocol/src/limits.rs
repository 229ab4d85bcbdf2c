//! Rate limits of a ChatGPT account.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::account::{PlanType, null_is_default};
use crate::open::Open;

/// Parameters of `account/rateLimits/read`.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct RateLimitsReadParams {
    /// Leaves the list of reset credits out, and saves the request for it; their number is reported
    /// all the same.
    #[serde(deserialize_with = "null_is_default")]
    pub exclude_reset_credit_details: bool,
}

/// Result of `account/rateLimits/read`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RateLimitsReadResult {
    /// Whether the backend permits the use that the plan includes. Null where it did not say so, or
    /// not for the account and user in force; it does not follow from the windows.
    #[cfg_attr(feature = "schema", schemars(skip_serializing_if = "Option::is_none"))]
    pub ordinary_usage_allowed: Option<bool>,
    /// The limit named `codex`, or the first one.
    pub rate_limits: RateLimitSnapshot,
    /// All limits by id.
    pub rate_limits_by_limit_id: Option<BTreeMap<String, RateLimitSnapshot>>,
    /// The credits that reset a reached limit; null where the backend reports none.
    #[cfg_attr(feature = "schema", schemars(skip_serializing_if = "Option::is_none"))]
    pub rate_limit_reset_credits: Option<RateLimitResetCreditsSummary>,
    /// The account that the backend reported this for; null where it names none.
    #[cfg_attr(feature = "schema", schemars(skip_serializing_if = "Option::is_none"))]
    pub account_id: Option<String>,
}

/// The credits that reset a reached limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RateLimitResetCreditsSummary {
    /// How many can be spent.
    pub available_count: i64,
    /// The credits; null where only their number is known. The backend may shorten the list.
    pub credits: Option<Vec<RateLimitResetCredit>>,
}

/// A credit that resets a reached limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RateLimitResetCredit {
    /// Its id, for `account/rateLimitResetCredit/consume`.
    pub id: String,
    /// What it resets.
    pub reset_type: Open<RateLimitResetType>,
    /// Whether it can be spent.
    pub status: Open<RateLimitResetCreditStatus>,
    /// When it was granted, in Unix seconds.
    pub granted_at: i64,
    /// When it expires, in Unix seconds, if it does.
    pub expires_at: Option<i64>,
    /// Its title, as the backend writes it.
    pub title: Option<String>,
    /// Its description, as the backend writes it.
    pub description: Option<String>,
}

/// What a reset credit resets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum RateLimitResetType {
    /// The windows of Codex.
    CodexRateLimits,
    /// Something else.
    Unknown,
}

/// Whether a reset credit can be spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum RateLimitResetCreditStatus {
    /// It can.
    Available,
    /// It is being spent.
    Redeeming,
    /// It is spent.
    Redeemed,
    /// Something else.
    Unknown,
}

/// Parameters of `account/rateLimitResetCredit/consume`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ResetCreditConsumeParams {
    /// Names one attempt, by any text that is not empty; a UUID is recommended. The same key in a
    /// repetition spends no second credit.
    pub idempotency_key: String,
    /// The credit; without it the backend chooses one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit_id: Option<String>,
}

/// Result of `account/rateLimitResetCredit/consume`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ResetCreditConsumeResult {
    /// What came of it.
    pub outcome: Open<ResetCreditOutcome>,
}

/// What came of spending a reset credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum ResetCreditOutcome {
    /// The limits are reset.
    Reset,
    /// No limit is used, so no credit was spent.
    NothingToReset,
    /// There is no such credit, or none at all.
    NoCredit,
    /// An earlier attempt with this key spent it.
    AlreadyRedeemed,
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
    /// The model whose name and efforts describe this limit.
    #[cfg_attr(feature = "schema", schemars(skip_serializing_if = "Option::is_none"))]
    pub normal_model_slug: Option<String>,
    /// The shorter window.
    pub primary: Option<RateLimitWindow>,
    /// The longer window.
    pub secondary: Option<RateLimitWindow>,
    /// Bought credits.
    pub credits: Option<Credits>,
    /// The spending limit of this member of a workspace, if there is one.
    #[cfg_attr(feature = "schema", schemars(skip_serializing_if = "Option::is_none"))]
    pub individual_limit: Option<SpendControlLimit>,
    /// Whether spending control stops this member. Null where the backend does not report it.
    #[cfg_attr(feature = "schema", schemars(skip_serializing_if = "Option::is_none"))]
    pub spend_control_reached: Option<bool>,
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

/// The spending limit of one member of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SpendControlLimit {
    /// The limit, as the backend writes it.
    pub limit: String,
    /// The used part, as the backend writes it.
    pub used: String,
    /// The part that is left in percent, rounded.
    pub remaining_percent: i32,
    /// The reset of the limit, in Unix seconds.
    pub resets_at: i64,
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
