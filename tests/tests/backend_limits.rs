//! Rate limits in the observed variants: each part is parsed on its own. Credits that reset them are
//! listed and spent.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use byokey_dev_backend::{DevBackend, Options, Route, Script, TestToken};
use byokey_tests::turns::{backend, rate_limits, script, signed_in, turn};
use serde_json::{Value, json};

#[tokio::test]
async fn each_variant_of_usage_shows_what_it_has() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let used = |primary: Value, secondary: Value| [primary, secondary];
    for (preset, expected, credits, reached) in [
        (
            "usage-plus",
            used(42.into(), 5.into()),
            json!("9.99"),
            Value::Null,
        ),
        (
            "usage-weekly-only",
            used(17.into(), Value::Null),
            json!("9.99"),
            Value::Null,
        ),
        (
            "usage-business",
            used(Value::Null, Value::Null),
            Value::Null,
            Value::Null,
        ),
        (
            "usage-credits-exhausted",
            used(100.into(), 100.into()),
            json!("0.00"),
            json!("rate_limit_reached"),
        ),
        (
            "usage-spend-control",
            used(42.into(), 5.into()),
            json!("9.99"),
            Value::Null,
        ),
        (
            "usage-odd",
            used(42.into(), 5.into()),
            Value::Null,
            Value::Null,
        ),
    ] {
        backend.set_script(script("usage", &json!([{"preset": preset}])));
        let read = rate_limits(&mut host).await.unwrap();
        let limits = &read["rateLimits"];
        for (window, expected) in ["primary", "secondary"].into_iter().zip(expected) {
            assert_eq!(limits[window]["usedPercent"], expected, "{preset}: {read}");
        }
        assert_eq!(limits["credits"]["balance"], credits, "{preset}: {read}");
        assert_eq!(limits["rateLimitReachedType"], reached, "{preset}: {read}");
        assert_eq!(limits["planType"], "pro", "{preset}: {read}");
        let by_id = read["rateLimitsByLimitId"].as_object().unwrap();
        let has_second = by_id.contains_key("codex_bengalfox");
        assert_eq!(has_second, preset == "usage-odd", "{preset}: {read}");
    }
    for (preset, allowed, spending) in [
        ("usage-plus", json!(true), json!(false)),
        ("usage-business", Value::Null, Value::Null),
        ("usage-credits-exhausted", json!(false), json!(false)),
        ("usage-spend-control", json!(true), json!(true)),
        ("usage-odd", json!(true), json!(false)),
    ] {
        backend.set_script(script("usage", &json!([{"preset": preset}])));
        let read = rate_limits(&mut host).await.unwrap();
        assert_eq!(read["ordinaryUsageAllowed"], allowed, "{preset}: {read}");
        let reached = &read["rateLimits"]["spendControlReached"];
        assert_eq!(*reached, spending, "{preset}: {read}");
        assert_eq!(read["accountId"], "ws-1", "{preset}: {read}");
        let limit = &read["rateLimits"]["individualLimit"];
        assert_eq!(limit.is_object(), spending == true, "{preset}: {read}");
        if spending == true {
            assert_eq!(limit["limit"], "100", "{read}");
            assert_eq!(limit["used"], "100.25", "{read}");
            assert_eq!(limit["remainingPercent"], 0, "{read}");
            assert!(limit["resetsAt"].as_i64() > Some(1_700_000_000), "{read}");
        }
        let credits = &read["rateLimitResetCredits"];
        let none = json!({"availableCount": 0, "credits": null});
        let expected = if preset == "usage-business" {
            Value::Null
        } else {
            none
        };
        assert_eq!(*credits, expected, "{preset}: {read}");
    }
    assert_eq!(backend.count(Route::ResetCredits), 0, "there are none");
    let weekly = json!([{"preset": "usage-weekly-only"}]);
    backend.set_script(script("usage", &weekly));
    let read = rate_limits(&mut host).await.unwrap();
    let minutes = &read["rateLimits"]["primary"]["windowDurationMins"];
    assert_eq!(*minutes, 10_080, "{read}");
}

#[tokio::test]
async fn a_refused_turn_reports_the_limits_of_its_headers_and_when_they_end() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let limit = json!([{"preset": "usage-limit"}]);
    backend.set_script(script("responses", &limit));
    let ended = turn(&mut host).await;
    assert_eq!(
        ended["error"]["codexErrorInfo"], "usageLimitExceeded",
        "{ended}"
    );
    let text = ended["error"]["message"].as_str().unwrap();
    assert!(
        text.contains("Try again at ") && text.contains("GMT"),
        "{text}"
    );
    assert_eq!(backend.count(Route::Responses), 1);
    let updated = host.notification("account/rateLimits/updated").await;
    assert_eq!(updated["rateLimits"]["limitId"], "codex", "{updated}");
    assert!(
        updated["rateLimits"]["primary"]["resetsAt"].is_i64(),
        "{updated}"
    );
}

fn backend_with_credits(steps: &Value) -> DevBackend {
    let script = json!({"settings": {"resetCredits": 2}, "routes": steps});
    let script = Script::from_value(script).unwrap();
    DevBackend::start(Options::new().script(script)).unwrap()
}

#[tokio::test]
async fn reset_credits_are_listed_and_spent_once_for_each_key() {
    let backend = backend_with_credits(&json!({}));
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let read = rate_limits(&mut host).await.unwrap();
    let credits = &read["rateLimitResetCredits"];
    assert_eq!(credits["availableCount"], 2, "{read}");
    let first = &credits["credits"][0];
    assert_eq!(first["status"], "available", "{read}");
    assert_eq!(first["resetType"], "codexRateLimits", "{read}");
    assert!(first["grantedAt"].is_i64(), "{read}");
    let id = first["id"].clone();
    for (params, outcome) in [
        (json!({"idempotencyKey": "one", "creditId": id}), "reset"),
        (json!({"idempotencyKey": "one"}), "alreadyRedeemed"),
        (json!({"idempotencyKey": "two", "creditId": id}), "noCredit"),
        (json!({"idempotencyKey": "two"}), "reset"),
    ] {
        let spent = host.request("account/rateLimitResetCredit/consume", params.clone());
        assert_eq!(
            spent.await.unwrap(),
            json!({"outcome": outcome}),
            "{params}"
        );
    }
    assert_eq!(backend.count(Route::ConsumeResetCredit), 4);
    let before = backend.count(Route::ResetCredits);
    let read = rate_limits(&mut host).await.unwrap();
    let none_left = json!({"availableCount": 0, "credits": null});
    assert_eq!(read["rateLimitResetCredits"], none_left, "{read}");
    assert_eq!(backend.count(Route::ResetCredits), before, "there are none");
}

#[tokio::test]
async fn a_list_of_reset_credits_that_fails_costs_nothing_else() {
    let steps = json!({"resetCredits": [
        {"status": 401, "body": {"detail": "Unauthorized"}},
        {"status": 404, "body": {"detail": "Not Found"}},
        {"hang": true},
        {"body": {"credits": [{"id": "made-up", "granted_at": "yesterday"}, 7]}},
    ]});
    let backend = backend_with_credits(&steps);
    let (_server, mut host) = signed_in(&backend, &[]).await;
    for listed in [Value::Null, Value::Null, Value::Null, json!([])] {
        let read = rate_limits(&mut host).await.unwrap();
        let expected = json!({"availableCount": 2, "credits": listed});
        assert_eq!(read["rateLimitResetCredits"], expected, "{read}");
        assert_eq!(read["rateLimits"]["primary"]["usedPercent"], 42, "{read}");
    }
    assert_eq!(backend.count(Route::ResetCredits), 4);
    let params = json!({"excludeResetCreditDetails": true});
    let read = host.request("account/rateLimits/read", params).await;
    assert_eq!(read.unwrap()["rateLimitResetCredits"]["availableCount"], 2);
    assert_eq!(backend.count(Route::ResetCredits), 4);
    host.close_input();
    let asked = |message: &Value| message["method"] == "account/chatgptAuthTokens/refresh";
    assert!(!host.rest().await.iter().any(asked), "the token is good");
}

#[tokio::test]
async fn what_the_plan_permits_counts_for_the_account_and_user_that_asked_alone() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let body = |account: Value, user: Value| {
        json!({"body": {"account_id": account, "user_id": user,
            "rate_limit": {"allowed": true, "primary_window": {"used_percent": 7}}}})
    };
    for (account, user, allowed) in [
        (json!("ws-1"), json!("user-ada"), json!(true)),
        (json!("ws-1"), Value::Null, json!(true)),
        (json!("ws-2"), json!("user-ada"), Value::Null),
        (json!("ws-1"), json!("user-eve"), Value::Null),
        (Value::Null, json!("user-ada"), Value::Null),
        (json!(["ws-1"]), json!("user-ada"), Value::Null),
    ] {
        let steps = json!([body(account.clone(), user.clone())]);
        backend.set_script(script("usage", &steps));
        let read = rate_limits(&mut host).await.unwrap();
        assert_eq!(read["ordinaryUsageAllowed"], allowed, "{account} {user}");
        let id = account.as_str().map_or(Value::Null, Value::from);
        assert_eq!(read["accountId"], id, "{account} {user}");
        assert_eq!(read["rateLimits"]["primary"]["usedPercent"], 7, "{read}");
    }
}

#[tokio::test]
async fn an_odd_member_of_spending_control_costs_no_other() {
    let backend = backend();
    let (_server, mut host) = signed_in(&backend, &[]).await;
    let whole =
        json!({"limit": 100, "used": "1", "used_percent": "1.4", "reset_after_seconds": 60});
    for (spending, reached, has_limit) in [
        (json!(7), Value::Null, false),
        (json!({"reached": "True"}), json!(true), false),
        (
            json!({"reached": [], "individual_limit": whole}),
            Value::Null,
            true,
        ),
        (
            json!({"reached": false, "individual_limit": {"limit": "1"}}),
            json!(false),
            false,
        ),
        (
            json!({"reached": false, "individual_limit": 7}),
            json!(false),
            false,
        ),
    ] {
        let body = json!({"plan_type": "team", "spend_control": spending,
            "rate_limit_reset_credits": {"available_count": []},
            "rate_limit": {"allowed": 7, "primary_window": {"used_percent": 7}}});
        backend.set_script(script("usage", &json!([{"body": body}])));
        let read = rate_limits(&mut host).await.unwrap();
        let limits = &read["rateLimits"];
        assert_eq!(limits["spendControlReached"], reached, "{spending}: {read}");
        assert_eq!(
            limits["individualLimit"].is_object(),
            has_limit,
            "{spending}: {read}"
        );
        if has_limit {
            assert_eq!(limits["individualLimit"]["remainingPercent"], 99, "{read}");
            assert_eq!(limits["individualLimit"]["limit"], "100", "{read}");
        }
        assert_eq!(limits["primary"]["usedPercent"], 7, "{spending}: {read}");
        assert_eq!(read["rateLimitResetCredits"], Value::Null, "{read}");
        assert_eq!(read["ordinaryUsageAllowed"], Value::Null, "{read}");
    }
}

#[tokio::test]
async fn spending_a_credit_is_sent_once_unless_a_401_is_recovered_from() {
    let steps = json!({"consumeResetCredit": [
        {"status": 503, "body": ""},
        {"body": {"code": "something_new"}},
    ]});
    let backend = backend_with_credits(&steps);
    let (_server, mut host) = signed_in(&backend, &[]).await;
    const METHOD: &str = "account/rateLimitResetCredit/consume";
    for (asked, kind) in [(1, "retryable"), (2, "backendRefused")] {
        let params = json!({"idempotencyKey": "made-up"});
        let failed = host.request(METHOD, params).await.unwrap_err();
        assert_eq!(failed.kind(), kind, "{failed:?}");
        assert_eq!(backend.count(Route::ConsumeResetCredit), asked);
    }
    for params in [
        json!({}),
        json!({"idempotencyKey": ""}),
        json!({"idempotencyKey": "k", "creditId": ""}),
        json!({"idempotencyKey": "k".repeat(257)}),
        json!({"idempotencyKey": "k", "creditId": "c".repeat(257)}),
    ] {
        let refused = host.request(METHOD, params).await.unwrap_err();
        assert_eq!(refused.kind(), "invalidParams", "{refused:?}");
    }
    assert_eq!(backend.count(Route::ConsumeResetCredit), 2);
}

// Row: tokens stay with their account
#[tokio::test]
async fn a_credit_is_not_spent_for_the_account_that_a_refresh_answers_with() {
    for (account, sent) in [("ws-1", 2), ("ws-2", 1)] {
        let steps = json!({"consumeResetCredit": [{"status": 401, "body": ""}]});
        let backend = backend_with_credits(&steps);
        let (_server, mut host) = signed_in(&backend, &[]).await;
        let params = json!({"idempotencyKey": "made-up"});
        let spent = host.start("account/rateLimitResetCredit/consume", params);
        let spent = spent.await;
        let (refresh, _) = host.asked("account/chatgptAuthTokens/refresh").await;
        let token = TestToken::new("ada").encode();
        let answer = json!({"accessToken": token, "chatgptAccountId": account});
        host.respond(&refresh, answer).await;
        match host.answer(spent).await {
            Ok(spent) => assert_eq!((&spent["outcome"], account), (&json!("reset"), "ws-1")),
            Err(failed) => assert_eq!((failed.kind(), account), ("accountChanged", "ws-2")),
        }
        assert_eq!(backend.count(Route::ConsumeResetCredit), sent, "{account}");
    }
}
