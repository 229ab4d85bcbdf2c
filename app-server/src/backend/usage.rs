//! The response of the usage endpoint: each part is parsed on its own.

use std::time::{Duration, SystemTime};

use byokey_protocol::account::PlanType;
use byokey_protocol::limits::{
    RateLimitReached, RateLimitResetCreditsSummary, RateLimitSnapshot, RateLimitWindow,
    RateLimitsReadResult, SpendControlLimit,
};
use serde::Deserialize;

use super::body::Document;
use super::lenient::{self, Decimal, Elements, Flag, Integer, Name, Number};
use super::limits::MAX_LIMIT_IDS;
use super::rate_limits::{MAIN_LIMIT, RawCredits, percent};
use byokey_auth::AccountIdentity;

/// The response of the usage endpoint.
#[derive(Deserialize)]
pub(crate) struct UsageAnswer {
    #[serde(default, deserialize_with = "lenient::member")]
    account_id: Option<Name>,
    #[serde(default, deserialize_with = "lenient::member")]
    user_id: Option<Name>,
    #[serde(default, deserialize_with = "lenient::member")]
    plan_type: Option<Name>,
    #[serde(default, deserialize_with = "lenient::member")]
    rate_limit: Option<LimitStatus>,
    #[serde(default, deserialize_with = "lenient::member")]
    credits: Option<RawCredits>,
    #[serde(default, deserialize_with = "lenient::list")]
    additional_rate_limits: Option<Elements<AdditionalLimit, MAX_LIMIT_IDS>>,
    #[serde(default, deserialize_with = "reached_type")]
    rate_limit_reached_type: Option<RateLimitReached>,
    #[serde(default, deserialize_with = "lenient::member")]
    spend_control: Option<SpendControl>,
    #[serde(default, deserialize_with = "lenient::member")]
    rate_limit_reset_credits: Option<ResetCreditsCount>,
}

impl Document for UsageAnswer {}

#[derive(Default, Deserialize)]
struct SpendControl {
    #[serde(default, deserialize_with = "lenient::member")]
    reached: Option<Flag>,
    #[serde(default, deserialize_with = "lenient::member")]
    individual_limit: Option<IndividualLimit>,
}

/// Either percentage and either time are enough.
#[derive(Deserialize)]
struct IndividualLimit {
    limit: Decimal,
    used: Decimal,
    #[serde(default, deserialize_with = "lenient::member")]
    remaining_percent: Option<Number>,
    #[serde(default, deserialize_with = "lenient::member")]
    used_percent: Option<Number>,
    #[serde(default, deserialize_with = "lenient::member")]
    reset_at: Option<Integer>,
    #[serde(default, deserialize_with = "lenient::member")]
    reset_after_seconds: Option<Number>,
}

impl IndividualLimit {
    fn into_limit(self) -> Option<SpendControlLimit> {
        let used = |used: Number| (100.0 - used.0).max(0.0);
        let remaining = self.remaining_percent.map(|left| left.0);
        let at = self.reset_at.map(|at| at.0).filter(|at| *at > 0);
        Some(SpendControlLimit {
            limit: self.limit.0,
            used: self.used.0,
            remaining_percent: percent(remaining.or_else(|| self.used_percent.map(used))?),
            resets_at: at.or_else(|| from_now(self.reset_after_seconds?.0))?,
        })
    }
}

#[derive(Deserialize)]
struct ResetCreditsCount {
    available_count: Integer,
}

#[derive(Default, Deserialize)]
struct LimitStatus {
    #[serde(default, deserialize_with = "lenient::member")]
    allowed: Option<Flag>,
    #[serde(default, deserialize_with = "lenient::member")]
    primary_window: Option<UsageWindow>,
    #[serde(default, deserialize_with = "lenient::member")]
    secondary_window: Option<UsageWindow>,
}

#[derive(Deserialize)]
struct UsageWindow {
    used_percent: Number,
    #[serde(default, deserialize_with = "lenient::member")]
    limit_window_seconds: Option<Integer>,
    #[serde(default, deserialize_with = "lenient::member")]
    reset_after_seconds: Option<Number>,
    #[serde(default, deserialize_with = "lenient::member")]
    reset_at: Option<Integer>,
}

#[derive(Deserialize)]
struct AdditionalLimit {
    #[serde(default, deserialize_with = "lenient::member")]
    limit_name: Option<Name>,
    metered_feature: Name,
    #[serde(default, deserialize_with = "lenient::member")]
    normal_model_slug: Option<Name>,
    #[serde(default, deserialize_with = "lenient::member")]
    rate_limit: Option<LimitStatus>,
}

#[derive(Deserialize)]
struct ReachedType {
    #[serde(rename = "type", default, deserialize_with = "lenient::member")]
    kind: Option<RateLimitReached>,
}

/// Parses `{"type": "…"}`, or the word alone. An unknown type counts as absent.
fn reached_type<'de, D>(deserializer: D) -> Result<Option<RateLimitReached>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    let raw = <&serde_json::value::RawValue>::deserialize(deserializer)?.get();
    let word = serde_json::from_str(raw).ok();
    let kind = || serde_json::from_str::<ReachedType>(raw).ok()?.kind;
    Ok(word.or_else(kind))
}

impl UsageAnswer {
    /// Returns the limits, as read under this account.
    ///
    /// What the plan permits counts only for the account and user that asked, as in codex.
    pub(crate) fn into_limits(self, asked: Option<&AccountIdentity>) -> RateLimitsReadResult {
        let plan_type = self.plan_type.map(|plan| PlanType::from_raw(&plan.0));
        let account_id = self.account_id.map(|id| id.0);
        let answered = account_id.clone().map(|id| AccountIdentity::Chatgpt {
            id: Some(id),
            user_id: self.user_id.map(|id| id.0),
        });
        let is_of_asked = answered
            .zip(asked)
            .is_some_and(|(answered, asked)| answered.is_same(asked));
        let allowed = self.rate_limit.as_ref().and_then(|limit| limit.allowed);
        let spend_control = self.spend_control.unwrap_or_default();
        let individual_limit = spend_control.individual_limit;
        let main = RateLimitSnapshot {
            credits: self.credits.map(Into::into),
            individual_limit: individual_limit.and_then(IndividualLimit::into_limit),
            spend_control_reached: spend_control.reached.map(|flag| flag.0),
            rate_limit_reached_type: self.rate_limit_reached_type.map(Into::into),
            ..snapshot(MAIN_LIMIT.into(), None, plan_type, self.rate_limit)
        };
        let additional = self.additional_rate_limits.unwrap_or_default().0;
        let additional = additional.into_iter().map(|limit| {
            let name = limit.limit_name.map(|name| name.0);
            RateLimitSnapshot {
                normal_model_slug: limit.normal_model_slug.map(|slug| slug.0),
                ..snapshot(limit.metered_feature.0, name, plan_type, limit.rate_limit)
            }
        });
        let all = additional
            .chain([main.clone()])
            .filter_map(|snapshot| Some((snapshot.limit_id.clone()?, snapshot)));
        let credits = self.rate_limit_reset_credits;
        RateLimitsReadResult {
            ordinary_usage_allowed: allowed.filter(|_| is_of_asked).map(|flag| flag.0),
            rate_limits_by_limit_id: Some(all.collect()),
            rate_limits: main,
            rate_limit_reset_credits: credits.map(|count| RateLimitResetCreditsSummary {
                available_count: count.available_count.0,
                credits: None,
            }),
            account_id,
        }
    }
}

fn snapshot(
    limit_id: String,
    limit_name: Option<String>,
    plan_type: Option<PlanType>,
    status: Option<LimitStatus>,
) -> RateLimitSnapshot {
    let status = status.unwrap_or_default();
    RateLimitSnapshot {
        limit_id: Some(limit_id),
        limit_name,
        primary: status.primary_window.map(Into::into),
        secondary: status.secondary_window.map(Into::into),
        plan_type: plan_type.map(Into::into),
        ..RateLimitSnapshot::default()
    }
}

impl From<UsageWindow> for RateLimitWindow {
    fn from(window: UsageWindow) -> Self {
        let seconds = window.limit_window_seconds.map(|seconds| seconds.0);
        let at = window.reset_at.map(|at| at.0).filter(|at| *at > 0);
        Self {
            used_percent: percent(window.used_percent.0),
            window_duration_mins: seconds
                .filter(|seconds| *seconds > 0)
                .map(|seconds| seconds.saturating_add(59) / 60),
            resets_at: at.or_else(|| from_now(window.reset_after_seconds?.0)),
        }
    }
}

/// Returns the time this many seconds from now, in Unix seconds.
fn from_now(seconds: f64) -> Option<i64> {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()?;
    let after = Duration::try_from_secs_f64(seconds).ok()?;
    i64::try_from(since.checked_add(after)?.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &str) -> RateLimitsReadResult {
        let answer = serde_json::from_str::<UsageAnswer>(answer).expect(answer);
        answer.into_limits(None)
    }

    #[test]
    fn the_usage_answer_becomes_snapshots_by_id() {
        let read = read(
            r#"{"plan_type":"pro","rate_limit":{"primary_window":{"used_percent":41.6,
                "limit_window_seconds":3601,"reset_at":1735689720}},
                "credits":{"has_credits":true,"unlimited":false,"balance":"9.99"},
                "additional_rate_limits":[{"limit_name":"Other","metered_feature":"codex_other"}],
                "rate_limit_reached_type":{"type":"workspace_member_credits_depleted"}}"#,
        );
        let window = RateLimitWindow {
            used_percent: 42,
            window_duration_mins: Some(61),
            resets_at: Some(1_735_689_720),
        };
        assert_eq!(read.rate_limits.primary, Some(window));
        assert_eq!(read.rate_limits.plan_type, Some(PlanType::Pro.into()));
        let reached = RateLimitReached::WorkspaceMemberCreditsDepleted;
        assert_eq!(
            read.rate_limits.rate_limit_reached_type,
            Some(reached.into())
        );
        let all = read.rate_limits_by_limit_id.unwrap();
        assert_eq!(all.keys().collect::<Vec<_>>(), ["codex", "codex_other"]);
        assert_eq!(all["codex_other"].limit_name.as_deref(), Some("Other"));
        assert!(all["codex_other"].credits.is_none());
    }

    #[test]
    fn an_odd_member_is_absent_and_the_others_count() {
        let window = r#"{"used_percent":40,"limit_window_seconds":604800,"reset_at":1786161248}"#;
        let with = |member: &str| {
            read(&format!(
                r#"{{"rate_limit":{{"primary_window":{window}}},{member}}}"#
            ))
        };
        for member in [
            r#""plan_type":7"#,
            r#""credits":{"has_credits":null,"unlimited":null,"balance":null}"#,
            r#""credits":{"has_credits":true,"balance":36.79}"#,
            r#""credits":[]"#,
            r#""additional_rate_limits":[{"metered_feature":null},7,{"metered_feature":"x"}]"#,
            r#""additional_rate_limits":{}"#,
            r#""rate_limit_reached_type":"rate_limit_reached""#,
            r#""rate_limit_reached_type":{"type":null,"details":null}"#,
            r#""rate_limit_reached_type":7"#,
            r#""promo":{"campaign":[]},"spend_control":{"reached":"yes"}"#,
        ] {
            let primary = with(member).rate_limits.primary;
            assert_eq!(
                primary.map(|window| window.used_percent),
                Some(40),
                "{member}"
            );
        }
        let balance = with(r#""credits":{"has_credits":true,"balance":36.79}"#);
        let credits = balance.rate_limits.credits.unwrap();
        assert_eq!(
            (credits.has_credits, credits.balance.as_deref()),
            (true, Some("36.79"))
        );
        let some =
            with(r#""additional_rate_limits":[{"metered_feature":null},{"metered_feature":"x"}]"#);
        assert_eq!(some.rate_limits_by_limit_id.unwrap().len(), 2);
        let reached = with(r#""rate_limit_reached_type":"rate_limit_reached""#);
        assert!(reached.rate_limits.rate_limit_reached_type.is_some());
        let business = read(r#"{"plan_type":"business","rate_limit":null,"credits":null}"#);
        assert_eq!(
            business.rate_limits.plan_type,
            Some(PlanType::Business.into())
        );
    }

    #[test]
    fn numbers_of_every_spelling_are_read_and_saturate() {
        let primary = |window: &str| {
            let answer = format!(r#"{{"rate_limit":{{"primary_window":{window}}}}}"#);
            read(&answer).rate_limits.primary
        };
        let odd =
            r#"{"used_percent":"40","limit_window_seconds":"604800","reset_at":1786161248.5}"#;
        let odd = primary(odd).unwrap();
        assert_eq!(
            (odd.used_percent, odd.window_duration_mins),
            (40, Some(10080))
        );
        assert_eq!(odd.resets_at, Some(1_786_161_249));
        let large = r#"{"used_percent":1e300,"limit_window_seconds":9223372036854775807,
            "reset_at":99999999999999999999}"#;
        let large = primary(large).unwrap();
        assert_eq!(
            (large.used_percent, large.resets_at),
            (i32::MAX, Some(i64::MAX))
        );
        assert_eq!(large.window_duration_mins, Some(i64::MAX / 60));
        let relative = primary(r#"{"used_percent":1,"reset_after_seconds":60}"#).unwrap();
        assert!(relative.resets_at > Some(1_700_000_000), "{relative:?}");
        assert_eq!(primary(r#"{"used_percent":null}"#), None);
    }
}
