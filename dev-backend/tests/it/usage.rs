//! Usage by plan.

use byokey_dev_backend::TestToken;
use serde_json::{Value, json};

use crate::support::*;

async fn usage(script: Value, plan: &str) -> Value {
    let backend = start_with(script);
    let token = TestToken {
        plan: plan.to_owned(),
        ..TestToken::new("ada")
    }
    .encode();
    call(&backend, get(USAGE, Some(&token))).await.json()
}

async fn preset(name: &str) -> Value {
    usage(json!({"routes": {"usage": [{"preset": name}]}}), "plus").await
}

#[tokio::test]
async fn business_and_enterprise_have_no_windows() {
    for plan in ["business", "enterprise"] {
        let answer = usage(json!({}), plan).await;
        assert_eq!(answer["plan_type"], plan);
        assert_eq!(answer["rate_limit"], Value::Null, "{plan}");
    }
    let answer = usage(json!({}), "plus").await;
    assert_eq!(answer["rate_limit"]["secondary_window"]["used_percent"], 5);
}

#[tokio::test]
async fn every_member_that_was_seen_is_there() {
    let answer = usage(json!({}), "plus").await;
    for name in [
        "account_id",
        "additional_rate_limits",
        "chatpass",
        "code_review_rate_limit",
        "credits",
        "email",
        "model_usage",
        "plan_type",
        "promo",
        "rate_limit",
        "rate_limit_reached_type",
        "rate_limit_reset_credits",
        "spend_control",
        "user_id",
    ] {
        assert!(answer.get(name).is_some(), "{name}");
    }
    assert_eq!(answer["account_id"], "account-ada");
    assert_eq!(answer["credits"]["approx_local_messages"], json!([4, 20]));
}

#[tokio::test]
async fn each_variant_has_what_makes_it_one() {
    let weekly = preset("usage-weekly-only").await;
    let primary = &weekly["rate_limit"]["primary_window"];
    assert_eq!(primary["limit_window_seconds"], 604_800);
    assert_eq!(weekly["rate_limit"]["secondary_window"], Value::Null);

    let exhausted = preset("usage-credits-exhausted").await;
    assert_eq!(exhausted["rate_limit"]["allowed"], false);
    assert_eq!(exhausted["credits"]["balance"], "0.00");
    assert_eq!(
        exhausted["rate_limit_reached_type"]["type"],
        "rate_limit_reached"
    );

    let spend = preset("usage-spend-control").await;
    assert_eq!(spend["spend_control"]["individual_limit"]["used"], "100.25");

    let odd = preset("usage-odd").await;
    assert_eq!(odd["credits"]["balance"], "");
    assert_eq!(
        odd["rate_limit_reached_type"],
        json!({"type": null, "details": null})
    );
    assert_eq!(
        odd["additional_rate_limits"][0]["metered_feature"],
        "codex_bengalfox"
    );

    assert_eq!(preset("usage-business").await["rate_limit"], Value::Null);
    assert_eq!(preset("usage-plus").await["rate_limit"]["allowed"], true);
}

#[tokio::test]
async fn reset_credits_are_listed_and_spent() {
    let backend = start_with(json!({"settings": {"resetCredits": 2}}));
    let path = "/backend-api/wham/rate-limit-reset-credits";
    let listed = call(&backend, get(path, Some("t"))).await.json();
    assert_eq!(listed["available_count"], 2);
    let id = listed["credits"][0]["id"].clone();
    assert!(id.as_str().unwrap().starts_with("RateLimitResetCredit_"));
    let consume = format!("{path}/consume");
    for (body, code) in [
        (
            json!({"redeem_request_id": "q", "credit_id": "other"}),
            "no_credit",
        ),
        (json!({"redeem_request_id": "r", "credit_id": id}), "reset"),
        (json!({"redeem_request_id": "r"}), "already_redeemed"),
        (
            json!({"redeem_request_id": "s", "credit_id": id}),
            "no_credit",
        ),
        (json!({"redeem_request_id": "s"}), "reset"),
        (json!({"redeem_request_id": "t"}), "no_credit"),
    ] {
        let answer = call(&backend, post(&consume, Some("t"), &body))
            .await
            .json();
        assert_eq!(answer["code"], code, "{body}");
    }
    let listed = call(&backend, get(path, Some("t"))).await.json();
    assert_eq!(listed["available_count"], 0);
    assert_eq!(listed["credits"][0]["status"], "redeemed");
    let usage = call(&backend, get(USAGE, Some("t"))).await.json();
    assert_eq!(usage["rate_limit_reset_credits"]["available_count"], 0);
}
