//! Credits that reset a reached rate limit: their list, and spending one.

use byokey_protocol::limits::{
    RateLimitResetCredit, RateLimitResetCreditStatus, RateLimitResetCreditsSummary,
    RateLimitResetType, ResetCreditConsumeParams, ResetCreditOutcome,
};
use http::Method;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::Instant;

use super::body::Document;
use super::lenient::{self, Description, Elements, Integer, Name};
use super::limits::{CALL_DEADLINE, MAX_RESET_CREDITS, RESET_CREDITS_DEADLINE};
use super::request_body::Recipient;
use super::{Backend, BackendError, Call, Service};
use byokey_auth::Lease;

const PATH: &str = "/rate-limit-reset-credits";

#[derive(Deserialize)]
struct ListAnswer {
    #[serde(default, deserialize_with = "lenient::member")]
    available_count: Option<Integer>,
    #[serde(default, deserialize_with = "lenient::list")]
    credits: Option<Elements<RawCredit, MAX_RESET_CREDITS>>,
}

impl Document for ListAnswer {}

#[derive(Deserialize)]
struct RawCredit {
    id: Name,
    #[serde(default, deserialize_with = "lenient::member")]
    reset_type: Option<Name>,
    #[serde(default, deserialize_with = "lenient::member")]
    status: Option<Name>,
    granted_at: Date,
    #[serde(default, deserialize_with = "lenient::member")]
    expires_at: Option<Date>,
    #[serde(default, deserialize_with = "lenient::member")]
    title: Option<Description>,
    #[serde(default, deserialize_with = "lenient::member")]
    description: Option<Description>,
}

/// Unix seconds, from a date (RFC 3339).
struct Date(i64);

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let date = Name::deserialize(deserializer)?;
        let date = OffsetDateTime::parse(&date.0, &Rfc3339).map_err(serde::de::Error::custom)?;
        Ok(Self(date.unix_timestamp()))
    }
}

impl From<RawCredit> for RateLimitResetCredit {
    fn from(raw: RawCredit) -> Self {
        let word = |word: &Option<Name>| word.as_ref().map(|word| word.0.to_ascii_lowercase());
        Self {
            id: raw.id.0,
            reset_type: match word(&raw.reset_type).as_deref() {
                Some("codex_rate_limits") => RateLimitResetType::CodexRateLimits,
                _ => RateLimitResetType::Unknown,
            }
            .into(),
            status: match word(&raw.status).as_deref() {
                Some("available") => RateLimitResetCreditStatus::Available,
                Some("redeeming") => RateLimitResetCreditStatus::Redeeming,
                Some("redeemed") => RateLimitResetCreditStatus::Redeemed,
                _ => RateLimitResetCreditStatus::Unknown,
            }
            .into(),
            granted_at: raw.granted_at.0,
            expires_at: raw.expires_at.map(|date| date.0),
            title: raw.title.map(|title| title.0),
            description: raw.description.map(|description| description.0),
        }
    }
}

/// The body with which a credit is spent, as codex 0.171.0 writes it.
#[derive(Serialize)]
struct ConsumeBody<'a> {
    redeem_request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    credit_id: Option<&'a str>,
}

#[derive(Deserialize)]
struct ConsumeAnswer {
    code: ConsumeCode,
}

impl Document for ConsumeAnswer {}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum ConsumeCode {
    Reset,
    NothingToReset,
    NoCredit,
    AlreadyRedeemed,
}

impl Backend {
    /// Returns the list of the account's reset credits, or the summary as it was: the limits count
    /// without it, so a failure costs no more than the list, and no token is renewed for it.
    pub(super) async fn with_reset_credits(
        &self,
        lease: Lease,
        summary: RateLimitResetCreditsSummary,
        deadline: Instant,
    ) -> RateLimitResetCreditsSummary {
        let deadline = deadline.min(Instant::now() + RESET_CREDITS_DEADLINE);
        let call = Call {
            renews: false,
            ..Call::get(Service::Account, PATH, deadline)
        };
        let Ok((answer, _)) = self.read_json::<ListAnswer>(&call, Some(lease)).await else {
            return summary;
        };
        let count = answer.available_count.map(|count| count.0);
        let credits = answer.credits.map(|credits| credits.0);
        RateLimitResetCreditsSummary {
            available_count: count.unwrap_or(summary.available_count),
            credits: credits.map(|credits| credits.into_iter().map(Into::into).collect()),
        }
    }

    /// Spends a reset credit. It is not sent again by itself: a repetition is the caller's, with
    /// the same key. After a 401 it is sent with a new token of the same account, and never for
    /// another account, whose credit it would spend.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn consume_reset_credit(
        &self,
        lease: Lease,
        params: &ResetCreditConsumeParams,
    ) -> Result<ResetCreditOutcome, BackendError> {
        let body = serde_json::to_vec(&ConsumeBody {
            redeem_request_id: &params.idempotency_key,
            credit_id: params.credit_id.as_deref(),
        });
        let body = bytes::Bytes::from(body.unwrap_or_default());
        let body = |_: Recipient<'_>| body.clone();
        let deadline = Instant::now() + CALL_DEADLINE;
        let call = Call {
            method: Method::POST,
            body: Some(&body),
            retries: 0,
            keeps_account: true,
            ..Call::get(
                Service::Account,
                "/rate-limit-reset-credits/consume",
                deadline,
            )
        };
        let (answer, _) = self.read_json::<ConsumeAnswer>(&call, Some(lease)).await?;
        Ok(match answer.code {
            ConsumeCode::Reset => ResetCreditOutcome::Reset,
            ConsumeCode::NothingToReset => ResetCreditOutcome::NothingToReset,
            ConsumeCode::NoCredit => ResetCreditOutcome::NoCredit,
            ConsumeCode::AlreadyRedeemed => ResetCreditOutcome::AlreadyRedeemed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_odd_credit_is_left_out_and_odd_members_are_absent() {
        let answer: ListAnswer = serde_json::from_str(
            r#"{"available_count":"2","credits":[
                {"id":"one","reset_type":"codex_rate_limits","status":"available",
                 "granted_at":"2026-11-01T10:00:00Z","expires_at":"2026-12-01T10:00:00.123+00:00",
                 "title":"One","description":[7]},
                {"id":"two","reset_type":"other","status":["odd"],
                 "granted_at":"2026-11-01T10:00:00Z","expires_at":"soon","title":null},
                {"id":"three","granted_at":"yesterday"},
                {"granted_at":"2026-11-01T10:00:00Z"},
                7]}"#,
        )
        .unwrap();
        assert_eq!(answer.available_count, Some(Integer(2)));
        let credits: Vec<RateLimitResetCredit> = answer
            .credits
            .unwrap()
            .0
            .into_iter()
            .map(Into::into)
            .collect();
        assert_eq!(credits.len(), 2);
        let one = RateLimitResetCredit {
            id: "one".to_owned(),
            reset_type: RateLimitResetType::CodexRateLimits.into(),
            status: RateLimitResetCreditStatus::Available.into(),
            granted_at: 1_793_527_200,
            expires_at: Some(1_796_119_200),
            title: Some("One".to_owned()),
            description: None,
        };
        assert_eq!(credits[0], one);
        assert_eq!(credits[1].reset_type, RateLimitResetType::Unknown);
        assert_eq!(credits[1].status, RateLimitResetCreditStatus::Unknown);
        assert_eq!(credits[1].expires_at, None);
        let odd: ListAnswer = serde_json::from_str(r#"{"credits":{}}"#).unwrap();
        assert!(odd.credits.is_none());
    }
}
