//! Rate limits in the observed variants: each part is parsed on its own.

use byokey_dev_backend::Route;
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
