//! A machine that slept, or had its clock set ahead: what was due meanwhile comes once, and what
//! waits for its user ends.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::{Duration, Instant, SystemTime};

use byokey_dev_backend::{TestToken, unsigned};
use byokey_tests::issuer::{Ask, Issuer};
use byokey_tests::turns::{backend, script, signed_in, turn};
use byokey_tests::{Clocks, Host, Setup};
use serde_json::{Value, json};

const REFRESH: &str = "account/chatgptAuthTokens/refresh";
const HOUR: u64 = 3_600;
/// How long the program is watched for what must not come.
const WATCHED: Duration = Duration::from_millis(500);

/// Tokens that expire so many seconds from now.
fn tokens(seconds: u64) -> Value {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let token = TestToken {
        expires_at: since.unwrap().as_secs() + seconds,
        ..TestToken::new("ada")
    };
    json!({"accessToken": token.encode(), "chatgptAccountId": "ws-1"})
}

/// Wakes the program, which looks at the time then.
async fn wake(host: &mut Host) {
    host.request("account/read", json!({})).await.unwrap();
}

// Row: the clock jumps
#[tokio::test]
async fn an_expiry_that_was_slept_through_asks_for_one_token() {
    if Clocks::are_missing() {
        return;
    }
    let mut server = Setup::default().argument("--allow-debug").start();
    let mut host = Host::new(&mut server);
    host.introduce("test-host", json!({"proactiveRefresh": true}))
        .await;
    let mut login = tokens(HOUR);
    login["type"] = "chatgptAuthTokens".into();
    host.request("account/login/start", login).await.unwrap();
    wake(&mut host).await;
    let clocks = Clocks::of(server.pid());
    for slept in [2 * HOUR, 24 * HOUR, 365 * 24 * HOUR] {
        clocks.move_ahead(Duration::from_secs(slept));
        wake(&mut host).await;
        let (id, params) = host.asked(REFRESH).await;
        assert_eq!(params["reason"], "expiring");
        host.respond(&id, tokens(slept + HOUR)).await;
        wake(&mut host).await;
        let seen = host.quiet_for(WATCHED).await;
        assert!(seen.iter().all(|it| it["method"] != REFRESH), "{seen:?}");
    }
    // A host that answers with a token that has expired by this clock is not asked in a row.
    clocks.move_ahead(Duration::from_secs(2 * 365 * 24 * HOUR));
    wake(&mut host).await;
    let (id, _) = host.asked(REFRESH).await;
    host.respond(&id, tokens(HOUR)).await;
    for _ in 0..3 {
        wake(&mut host).await;
        let seen = host.quiet_for(WATCHED).await;
        assert!(seen.iter().all(|it| it["method"] != REFRESH), "{seen:?}");
    }
}

#[tokio::test]
async fn a_device_login_that_was_slept_through_ends_without_a_burst_of_polls() {
    if Clocks::are_missing() {
        return;
    }
    let issuer = Issuer::start().await;
    for _ in 0..1_000 {
        issuer.next(Ask::DevicePoll, 403, json!({}));
    }
    let setup = issuer.set_up(Setup::default().argument("--allow-debug"));
    let mut server = setup.start();
    let mut host = Host::initialized(&mut server).await;
    let device = json!({"type": "chatgptDeviceCode"});
    host.request("account/login/start", device).await.unwrap();
    issuer.wait_for(Ask::DevicePoll, 1).await;
    let clocks = Clocks::of(server.pid());
    let before = issuer.asked(Ask::DevicePoll).len();
    clocks.move_ahead(Duration::from_secs(8 * HOUR));
    wake(&mut host).await;
    let completed = host.notification("account/login/completed").await;
    let text = "device auth timed out after 15 minutes";
    assert_eq!(completed["error"], text);
    let polls = issuer.asked(Ask::DevicePoll).len() - before;
    assert!(polls <= 2, "{polls} polls");
}

/// The clock of this machine may be years off that of the backend.
#[tokio::test]
async fn a_date_to_wait_for_counts_from_the_backends_own_clock() {
    let backend = backend();
    let retries = ["model_providers.mock.stream_max_retries=2"];
    let (_server, mut host) = signed_in(&backend, &retries).await;
    for (date, again) in [
        (
            "Wed, 21 Oct 2015 07:28:00 GMT",
            "Wed, 21 Oct 2015 07:28:02 GMT",
        ),
        (
            "Sun, 21 Oct 2096 07:28:00 GMT",
            "Sun, 21 Oct 2096 07:28:02 GMT",
        ),
    ] {
        let headers = json!({"date": date, "retry-after": again});
        let busy = json!([{"status": 503, "headers": headers, "body": "x"}]);
        backend.set_script(script("responses", &busy));
        let begun = Instant::now();
        let ended = turn(&mut host).await;
        assert_eq!(ended["status"], "completed", "{ended}");
        let waited = begun.elapsed();
        assert!(waited >= Duration::from_secs(2), "{waited:?}");
    }
}

#[tokio::test]
async fn an_expiry_at_the_end_of_the_calendar_is_one_like_another() {
    for (expiry, is_due) in [(i64::MIN, true), (i64::MAX, false)] {
        let mut server = Setup::default().start();
        let mut host = Host::new(&mut server);
        host.introduce("test-host", json!({"proactiveRefresh": true}))
            .await;
        let claims = json!({"exp": expiry, "email": "ada@example.com"});
        host.login(&unsigned(&claims, "made-up"), "ws-1").await;
        if is_due {
            let (_, params) = host.asked(REFRESH).await;
            assert_eq!(params["reason"], "expiring");
        }
        let seen = host.quiet_for(WATCHED).await;
        assert!(seen.iter().all(|it| it["method"] != REFRESH), "{seen:?}");
        wake(&mut host).await;
    }
}
