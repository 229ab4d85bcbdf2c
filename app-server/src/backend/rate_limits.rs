//! Rate limits in headers and in streams.

use byokey_protocol::account::PlanType;
use byokey_protocol::limits::{Credits, RateLimitReached, RateLimitSnapshot, RateLimitWindow};
use http::HeaderMap;
use serde::Deserialize;

use super::lenient::{self, Decimal, Flag, Integer, Name, Number};
use super::limits::{MAX_LIMIT_IDS, MAX_NAME};

/// Id of the main limit.
pub(super) const MAIN_LIMIT: &str = "codex";

/// Bought credits. Each member is optional.
#[derive(Deserialize)]
pub(crate) struct RawCredits {
    #[serde(default, deserialize_with = "lenient::member")]
    has_credits: Option<Flag>,
    #[serde(default, deserialize_with = "lenient::member")]
    unlimited: Option<Flag>,
    #[serde(default, deserialize_with = "lenient::member")]
    balance: Option<Decimal>,
}

impl From<RawCredits> for Credits {
    fn from(raw: RawCredits) -> Self {
        Self {
            has_credits: raw.has_credits.is_some_and(|flag| flag.0),
            unlimited: raw.unlimited.is_some_and(|flag| flag.0),
            balance: raw.balance.map(|balance| balance.0),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
pub(super) const fn percent(used: f64) -> i32 {
    used.round() as i32
}

/// Parses the limits in the headers of a response. Each limit has its own family of headers,
/// `x-<limit>-primary-used-percent` and so on.
pub(crate) fn from_headers(headers: &HeaderMap) -> Vec<RateLimitSnapshot> {
    let mut families: Vec<&str> = headers
        .keys()
        .filter_map(|name| {
            name.as_str()
                .strip_prefix("x-")?
                .strip_suffix("-primary-used-percent")
        })
        .filter(|family| family.len() <= MAX_NAME)
        .collect();
    families.sort_unstable_by_key(|family| (*family != MAIN_LIMIT, *family));
    families
        .into_iter()
        .take(MAX_LIMIT_IDS)
        .map(|family| family_snapshot(headers, family))
        .collect()
}

/// Parses one family. Values may be empty, and booleans are spelled as in Python.
fn family_snapshot(headers: &HeaderMap, family: &str) -> RateLimitSnapshot {
    let text = |name: &str| {
        let value = headers.get(format!("x-{family}-{name}"))?.to_str().ok()?;
        Some(value.trim()).filter(|value| (1..=MAX_NAME).contains(&value.len()))
    };
    let flag = |name: &str| Some(Flag::parse(text(name)?)?.0);
    let window = |name: &str| {
        let integer = |part: &str| Integer::parse(text(&format!("{name}-{part}"))?);
        StreamWindow {
            used_percent: Number::parse(text(&format!("{name}-used-percent"))?)?,
            window_minutes: integer("window-minutes"),
            reset_at: integer("reset-at"),
        }
        .into_window()
    };
    let credits = flag("credits-has-credits").map(|has_credits| Credits {
        has_credits,
        unlimited: flag("credits-unlimited").unwrap_or_default(),
        balance: text("credits-balance").map(str::to_owned),
    });
    let reached = text("rate-limit-reached-type");
    let reached = reached.and_then(|word| {
        let word = serde_json::Value::from(word);
        serde_json::from_value::<RateLimitReached>(word).ok()
    });
    RateLimitSnapshot {
        limit_id: Some(family.replace('-', "_")),
        limit_name: text("limit-name").map(str::to_owned),
        primary: window("primary"),
        secondary: window("secondary"),
        credits,
        plan_type: text("plan-type").map(|plan| PlanType::from_raw(plan).into()),
        rate_limit_reached_type: reached.map(Into::into),
        // Neither headers nor streams report spending control.
        ..RateLimitSnapshot::default()
    }
}

/// The event `codex.rate_limits` of a stream.
#[derive(Deserialize)]
pub(crate) struct RateLimitEvent {
    #[serde(default, deserialize_with = "lenient::member")]
    plan_type: Option<Name>,
    #[serde(default, deserialize_with = "lenient::member")]
    rate_limits: Option<StreamLimits>,
    #[serde(default, deserialize_with = "lenient::member")]
    credits: Option<RawCredits>,
    #[serde(default, deserialize_with = "lenient::member")]
    metered_limit_name: Option<Name>,
    #[serde(default, deserialize_with = "lenient::member")]
    limit_name: Option<Name>,
}

#[derive(Default, Deserialize)]
struct StreamLimits {
    #[serde(default, deserialize_with = "lenient::member")]
    primary: Option<StreamWindow>,
    #[serde(default, deserialize_with = "lenient::member")]
    secondary: Option<StreamWindow>,
}

#[derive(Deserialize)]
struct StreamWindow {
    used_percent: Number,
    #[serde(default, deserialize_with = "lenient::member")]
    window_minutes: Option<Integer>,
    #[serde(default, deserialize_with = "lenient::member")]
    reset_at: Option<Integer>,
}

impl StreamWindow {
    /// Returns `None` for a window without members.
    fn into_window(self) -> Option<RateLimitWindow> {
        let positive = |number: Option<Integer>| number.map(|it| it.0).filter(|it| *it > 0);
        let minutes = positive(self.window_minutes);
        let resets_at = positive(self.reset_at);
        let has_content = self.used_percent.0 != 0.0 || minutes.is_some() || resets_at.is_some();
        has_content.then(|| RateLimitWindow {
            used_percent: percent(self.used_percent.0),
            window_duration_mins: minutes,
            resets_at,
        })
    }
}

impl From<RateLimitEvent> for RateLimitSnapshot {
    fn from(event: RateLimitEvent) -> Self {
        let limits = event.rate_limits.unwrap_or_default();
        let limit_name = event.limit_name.map(|name| name.0);
        let limit_id = event.metered_limit_name.map(|name| name.0);
        let limit_id = limit_id.or_else(|| limit_name.clone());
        Self {
            limit_id: Some(limit_id.unwrap_or_else(|| MAIN_LIMIT.into())),
            limit_name,
            primary: limits.primary.and_then(StreamWindow::into_window),
            secondary: limits.secondary.and_then(StreamWindow::into_window),
            credits: event.credits.map(Into::into),
            plan_type: event
                .plan_type
                .map(|plan| PlanType::from_raw(&plan.0).into()),
            ..Self::default()
        }
    }
}

/// The latest snapshot of each limit, in order of arrival. Snapshots are sparse: a later one keeps
/// the members that it omits.
#[derive(Debug, Default)]
pub(crate) struct LatestLimits(Vec<RateLimitSnapshot>);

impl LatestLimits {
    /// Adds a snapshot. Returns whether it is the first of its limit.
    pub(crate) fn add(&mut self, new: RateLimitSnapshot) -> bool {
        let known = self.0.iter().position(|old| old.limit_id == new.limit_id);
        match known.and_then(|at| self.0.get_mut(at)) {
            Some(old) => {
                let before = std::mem::take(old);
                *old = RateLimitSnapshot {
                    limit_name: new.limit_name.or(before.limit_name),
                    primary: new.primary.or(before.primary),
                    secondary: new.secondary.or(before.secondary),
                    credits: new.credits.or(before.credits),
                    normal_model_slug: new.normal_model_slug.or(before.normal_model_slug),
                    individual_limit: new.individual_limit.or(before.individual_limit),
                    spend_control_reached: new
                        .spend_control_reached
                        .or(before.spend_control_reached),
                    plan_type: new.plan_type.or(before.plan_type),
                    rate_limit_reached_type: new
                        .rate_limit_reached_type
                        .or(before.rate_limit_reached_type),
                    limit_id: new.limit_id,
                };
                false
            }
            None => {
                let is_added = self.0.len() < MAX_LIMIT_IDS;
                if is_added {
                    self.0.push(new);
                }
                is_added
            }
        }
    }
}

impl IntoIterator for LatestLimits {
    type Item = RateLimitSnapshot;
    type IntoIter = std::vec::IntoIter<RateLimitSnapshot>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    #[test]
    fn each_family_of_headers_is_a_limit_and_empty_windows_are_none() {
        let headers: HeaderMap = [
            ("x-codex-other-primary-used-percent", "7.5"),
            ("x-codex-primary-used-percent", "0"),
            ("x-codex-primary-window-minutes", "0"),
            ("x-codex-primary-reset-at", ""),
            ("x-codex-secondary-used-percent", "12"),
            ("x-codex-secondary-reset-at", "99"),
            ("x-codex-credits-has-credits", "True"),
            ("x-codex-credits-balance", ""),
            ("x-codex-plan-type", "plus"),
            ("x-codex-rate-limit-reached-type", "rate_limit_reached"),
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
        let main = &snapshots[0];
        assert_eq!(main.primary, None);
        assert_eq!(main.secondary.unwrap().resets_at, Some(99));
        let credits = main.credits.as_ref().unwrap();
        assert_eq!(
            (credits.has_credits, credits.balance.as_deref()),
            (true, None)
        );
        assert_eq!(main.plan_type, Some(PlanType::Plus.into()));
        assert!(main.rate_limit_reached_type.is_some());
        assert_eq!(snapshots[1].primary.unwrap().used_percent, 8);
        assert!(from_headers(&HeaderMap::new()).is_empty());
    }

    #[test]
    fn the_latest_of_each_limit_counts_and_the_number_of_limits_is_limited() {
        let snapshot = |id: usize, used| RateLimitSnapshot {
            limit_id: Some(id.to_string()),
            primary: Some(RateLimitWindow {
                used_percent: used,
                window_duration_mins: None,
                resets_at: None,
            }),
            ..RateLimitSnapshot::default()
        };
        let mut latest = LatestLimits::default();
        for used in 0..3 {
            for id in 0..100 {
                latest.add(snapshot(id, used));
            }
        }
        latest.add(RateLimitSnapshot {
            primary: None,
            limit_name: Some("zero".into()),
            ..snapshot(0, 0)
        });
        let latest: Vec<_> = latest.into_iter().collect();
        assert_eq!(latest.len(), MAX_LIMIT_IDS);
        assert_eq!(latest[0].limit_name.as_deref(), Some("zero"));
        assert!(
            latest
                .iter()
                .all(|one| one.primary.unwrap().used_percent == 2)
        );
    }
}
