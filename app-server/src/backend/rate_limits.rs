//! Rate limits as the backend tells them: in the usage answer, in headers, and in streams.

use byokey_protocol::account::PlanType;
use byokey_protocol::limits::{
    Credits, RateLimitReached, RateLimitSnapshot, RateLimitWindow, RateLimitsReadResult,
};
use http::HeaderMap;
use serde::Deserialize;

/// Id of the main limit.
const MAIN_LIMIT: &str = "codex";

/// Answer of the usage endpoint.
#[derive(Deserialize)]
pub(crate) struct UsageAnswer {
    plan_type: Option<String>,
    rate_limit: Option<LimitStatus>,
    credits: Option<RawCredits>,
    additional_rate_limits: Option<Vec<AdditionalLimit>>,
    rate_limit_reached_type: Option<ReachedType>,
}

#[derive(Default, Deserialize)]
struct LimitStatus {
    primary_window: Option<UsageWindow>,
    secondary_window: Option<UsageWindow>,
}

#[derive(Deserialize)]
struct UsageWindow {
    used_percent: f64,
    limit_window_seconds: Option<i64>,
    reset_at: Option<i64>,
}

#[derive(Deserialize)]
struct RawCredits {
    has_credits: bool,
    unlimited: bool,
    balance: Option<String>,
}

#[derive(Deserialize)]
struct AdditionalLimit {
    limit_name: Option<String>,
    metered_feature: String,
    rate_limit: Option<LimitStatus>,
}

#[derive(Deserialize)]
struct ReachedType {
    #[serde(rename = "type")]
    kind: serde_json::Value,
}

impl From<UsageAnswer> for RateLimitsReadResult {
    fn from(answer: UsageAnswer) -> Self {
        let plan_type = answer.plan_type.as_deref().map(PlanType::from_raw);
        let main = RateLimitSnapshot {
            credits: answer.credits.map(Into::into),
            // A type without a name here is as good as none.
            rate_limit_reached_type: answer
                .rate_limit_reached_type
                .and_then(|reached| serde_json::from_value::<RateLimitReached>(reached.kind).ok())
                .map(Into::into),
            ..snapshot(MAIN_LIMIT.into(), None, plan_type, answer.rate_limit)
        };
        let additional = answer
            .additional_rate_limits
            .unwrap_or_default()
            .into_iter();
        let all = additional
            .map(|limit| {
                snapshot(
                    limit.metered_feature,
                    limit.limit_name,
                    plan_type,
                    limit.rate_limit,
                )
            })
            .chain([main.clone()])
            .filter_map(|snapshot| Some((snapshot.limit_id.clone()?, snapshot)));
        Self {
            rate_limits_by_limit_id: Some(all.collect()),
            rate_limits: main,
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
        Self {
            used_percent: percent(window.used_percent),
            window_duration_mins: window
                .limit_window_seconds
                .filter(|seconds| *seconds > 0)
                .map(|seconds| (seconds + 59) / 60),
            resets_at: window.reset_at,
        }
    }
}

impl From<RawCredits> for Credits {
    fn from(raw: RawCredits) -> Self {
        Self {
            has_credits: raw.has_credits,
            unlimited: raw.unlimited,
            balance: raw.balance,
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
const fn percent(used: f64) -> i32 {
    used.round() as i32
}

/// The limits in the headers of an answer. Each limit has its own family of headers,
/// `x-<limit>-primary-used-percent` and so on.
pub(crate) fn from_headers(headers: &HeaderMap) -> Vec<RateLimitSnapshot> {
    let mut families: Vec<&str> = headers
        .keys()
        .filter_map(|name| {
            name.as_str()
                .strip_prefix("x-")?
                .strip_suffix("-primary-used-percent")
        })
        .collect();
    families.sort_unstable_by_key(|family| (*family != MAIN_LIMIT, *family));
    families
        .into_iter()
        .map(|family| family_snapshot(headers, family))
        .collect()
}

fn family_snapshot(headers: &HeaderMap, family: &str) -> RateLimitSnapshot {
    let text = |name: &str| headers.get(format!("x-{family}-{name}"))?.to_str().ok();
    let flag = |name: &str| match text(name)?.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    };
    let window = |name: &str| {
        let used = text(&format!("{name}-used-percent"))?.parse::<f64>().ok()?;
        let number = |part: &str| text(&format!("{name}-{part}"))?.parse::<i64>().ok();
        StreamWindow {
            used_percent: used,
            window_minutes: number("window-minutes"),
            reset_at: number("reset-at"),
        }
        .into_window()
    };
    let credits = flag("credits-has-credits").map(|has_credits| Credits {
        has_credits,
        unlimited: flag("credits-unlimited").unwrap_or_default(),
        balance: text("credits-balance").map(str::to_owned),
    });
    RateLimitSnapshot {
        limit_id: Some(family.replace('-', "_")),
        limit_name: text("limit-name").map(str::to_owned),
        primary: window("primary"),
        secondary: window("secondary"),
        credits,
        ..RateLimitSnapshot::default()
    }
}

/// The event `codex.rate_limits` of a stream.
#[derive(Deserialize)]
pub(crate) struct RateLimitEvent {
    plan_type: Option<String>,
    rate_limits: Option<StreamLimits>,
    credits: Option<RawCredits>,
    metered_limit_name: Option<String>,
    limit_name: Option<String>,
}

#[derive(Default, Deserialize)]
struct StreamLimits {
    primary: Option<StreamWindow>,
    secondary: Option<StreamWindow>,
}

#[derive(Deserialize)]
struct StreamWindow {
    used_percent: f64,
    window_minutes: Option<i64>,
    reset_at: Option<i64>,
}

impl StreamWindow {
    /// A window that tells nothing is none.
    fn into_window(self) -> Option<RateLimitWindow> {
        let minutes = self.window_minutes.filter(|minutes| *minutes > 0);
        let tells = self.used_percent != 0.0 || minutes.is_some() || self.reset_at.is_some();
        tells.then(|| RateLimitWindow {
            used_percent: percent(self.used_percent),
            window_duration_mins: minutes,
            resets_at: self.reset_at,
        })
    }
}

impl From<RateLimitEvent> for RateLimitSnapshot {
    fn from(event: RateLimitEvent) -> Self {
        let limits = event.rate_limits.unwrap_or_default();
        let limit_id = event
            .metered_limit_name
            .or_else(|| event.limit_name.clone());
        Self {
            limit_id: Some(limit_id.unwrap_or_else(|| MAIN_LIMIT.into())),
            limit_name: event.limit_name,
            primary: limits.primary.and_then(StreamWindow::into_window),
            secondary: limits.secondary.and_then(StreamWindow::into_window),
            credits: event.credits.map(Into::into),
            plan_type: event
                .plan_type
                .as_deref()
                .map(|plan| PlanType::from_raw(plan).into()),
            rate_limit_reached_type: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use byokey_protocol::account::PlanType;
    use byokey_protocol::limits::{RateLimitReached, RateLimitWindow, RateLimitsReadResult};
    use http::{HeaderMap, HeaderName};

    use super::{UsageAnswer, from_headers};

    #[test]
    fn the_usage_answer_becomes_snapshots_by_id() {
        let answer: UsageAnswer = serde_json::from_str(
            r#"{"plan_type":"pro","rate_limit":{"primary_window":{"used_percent":41.6,
                "limit_window_seconds":3601,"reset_at":1735689720}},
                "credits":{"has_credits":true,"unlimited":false,"balance":"9.99"},
                "additional_rate_limits":[{"limit_name":"Other","metered_feature":"codex_other"}],
                "rate_limit_reached_type":{"type":"workspace_member_credits_depleted"}}"#,
        )
        .unwrap();
        let read = RateLimitsReadResult::from(answer);
        let window = RateLimitWindow {
            used_percent: 42,
            window_duration_mins: Some(61),
            resets_at: Some(1_735_689_720),
        };
        assert_eq!(read.rate_limits.primary, Some(window));
        assert_eq!(read.rate_limits.plan_type, Some(PlanType::Pro.into()));
        assert_eq!(
            read.rate_limits.rate_limit_reached_type,
            Some(RateLimitReached::WorkspaceMemberCreditsDepleted.into())
        );
        let all = read.rate_limits_by_limit_id.unwrap();
        assert_eq!(all.keys().collect::<Vec<_>>(), ["codex", "codex_other"]);
        assert_eq!(all["codex_other"].limit_name.as_deref(), Some("Other"));
        assert!(all["codex_other"].credits.is_none());
    }

    #[test]
    fn each_family_of_headers_is_a_limit_and_empty_windows_are_none() {
        let headers: HeaderMap = [
            ("x-codex-other-primary-used-percent", "7.5"),
            ("x-codex-primary-used-percent", "0"),
            ("x-codex-primary-window-minutes", "0"),
            ("x-codex-secondary-used-percent", "12"),
            ("x-codex-secondary-reset-at", "99"),
            ("x-codex-credits-has-credits", "1"),
        ]
        .into_iter()
        .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
        .collect();
        let snapshots = from_headers(&headers);
        let ids: Vec<_> = snapshots
            .iter()
            .filter_map(|one| one.limit_id.as_deref())
            .collect();
        assert_eq!(ids, ["codex", "codex_other"]);
        assert_eq!(snapshots[0].primary, None);
        assert_eq!(snapshots[0].secondary.unwrap().resets_at, Some(99));
        assert!(snapshots[0].credits.as_ref().unwrap().has_credits);
        assert_eq!(snapshots[1].primary.unwrap().used_percent, 8);
        assert!(from_headers(&HeaderMap::new()).is_empty());
    }
}
