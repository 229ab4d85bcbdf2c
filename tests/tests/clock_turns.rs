//! Waits under a clock that jumps: those of turns, logins and refreshes end once, neither early nor
//! late.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::{Duration, Instant, SystemTime};

use byokey_dev_backend::{DevBackend, Route, TestToken};
use byokey_tests::issuer::{Ask, Issuer, access_token};
use byokey_tests::ports::LoginPorts;
use byokey_tests::shared_store::SharedStore;
use byokey_tests::turns::{backend, begin_turn, script, signed_in_with};
use byokey_tests::{Clocks, Host, Server, Setup};
use serde_json::{Value, json};

const REFRESH: &str = "account/chatgptAuthTokens/refresh";
const HOUR: u64 = 3_600;
/// Time of day off by a year.
const YEAR: i32 = 365 * 24 * 3_600;
/// How long the program is watched for what must not come.
const WATCHED: Duration = Duration::from_millis(500);

fn debuggable() -> Setup {
    Setup::default().argument("--allow-debug")
}

/// Wakes the program, which looks at the time then.
async fn wake(host: &mut Host) {
    host.request("account/read", json!({})).await.unwrap();
}

/// Starts a server whose backend is busy this many times, and wants to be asked again after so many
/// seconds.
async fn busy(times: usize, seconds: u64) -> (DevBackend, Server, Host) {
    let backend = backend();
    let retries = ["model_providers.mock.stream_max_retries=5"];
    let (server, host) = signed_in_with(debuggable(), &backend, &retries).await;
    let headers = json!({"retry-after": seconds.to_string()});
    let step = json!([{"status": 503, "headers": headers, "body": "x", "repeat": times}]);
    backend.set_script(script("responses", &step));
    (backend, server, host)
}

/// Begins turns, which wait for the next attempt.
async fn waiting(host: &mut Host, turns: usize) {
    for _ in 0..turns {
        begin_turn(host).await;
    }
    for _ in 0..turns {
        let error = host.notification("error").await;
        assert_eq!(error["willRetry"], true, "{error}");
    }
}

// Row: the clock jumps
#[tokio::test]
async fn a_wait_of_turns_that_was_slept_through_is_one_attempt_of_each() {
    if Clocks::are_missing() {
        return;
    }
    const TURNS: usize = 4;
    let (backend, server, mut host) = busy(2 * TURNS, 60).await;
    waiting(&mut host, TURNS).await;
    let clocks = Clocks::of(server.pid());
    for slept in 1..=2_u32 {
        assert_eq!(
            backend.count(Route::Responses),
            TURNS * usize::try_from(slept).unwrap()
        );
        // Nothing comes before its time.
        host.quiet_for(WATCHED).await;
        clocks.move_ahead(Duration::from_secs(8 * HOUR) * slept);
        wake(&mut host).await;
        let next = if slept == 1 {
            "error"
        } else {
            "turn/completed"
        };
        for _ in 0..TURNS {
            let seen = host.notification(next).await;
            if slept == 2 {
                assert_eq!(seen["turn"]["status"], "completed", "{seen}");
            }
        }
        host.quiet_for(WATCHED).await;
    }
    assert_eq!(backend.count(Route::Responses), 3 * TURNS);
}

// Row: the clock jumps
#[tokio::test]
async fn a_time_of_day_that_is_set_makes_a_turn_wait_neither_more_nor_less() {
    if Clocks::are_missing() {
        return;
    }
    for off in [-YEAR, YEAR] {
        let (backend, server, mut host) = busy(1, 3).await;
        let begun = Instant::now();
        waiting(&mut host, 1).await;
        Clocks::of(server.pid()).set_time_of_day(off);
        wake(&mut host).await;
        let completed = host.notification("turn/completed").await;
        assert_eq!(completed["turn"]["status"], "completed", "{completed}");
        assert!(begun.elapsed() >= Duration::from_secs(3), "{off}");
        assert_eq!(backend.count(Route::Responses), 2);
    }
}

// Row: the clock jumps
#[tokio::test]
async fn a_time_of_day_that_is_set_back_asks_for_no_token_and_set_ahead_for_one() {
    if Clocks::are_missing() {
        return;
    }
    let mut server = debuggable().start();
    let mut host = Host::new(&mut server);
    host.introduce("test-host", json!({"proactiveRefresh": true}))
        .await;
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = since.unwrap().as_secs();
    let tokens = |seconds: u64| {
        let token = TestToken {
            expires_at: now + seconds,
            ..TestToken::new("ada")
        };
        json!({"accessToken": token.encode(), "chatgptAccountId": "ws-1"})
    };
    let mut login = tokens(24 * HOUR);
    login["type"] = "chatgptAuthTokens".into();
    host.request("account/login/start", login).await.unwrap();
    wake(&mut host).await;
    let clocks = Clocks::of(server.pid());
    let mut passed = 0;
    let mut is_asked = 0;
    // A year back, right again, two days ahead, and back.
    for (off, times) in [(-YEAR, 0), (0, 0), (2 * 24 * 3_600, 1), (-YEAR, 0), (0, 0)] {
        clocks.set_time_of_day(off);
        // The time of day is looked at again after a while.
        passed += 700;
        clocks.move_ahead(Duration::from_secs(passed));
        wake(&mut host).await;
        for _ in 0..times {
            let (id, params) = host.asked(REFRESH).await;
            assert_eq!(params["reason"], "expiring");
            host.respond(&id, tokens(30 * 24 * HOUR)).await;
            is_asked += 1;
        }
        wake(&mut host).await;
        let seen = host.quiet_for(WATCHED).await;
        let more = seen.iter().find(|it| it["method"] == REFRESH);
        assert_eq!(more, None, "{off}");
    }
    assert_eq!(is_asked, 1);
}

// Row: the clock jumps
#[tokio::test]
async fn a_browser_login_that_was_slept_through_ends_and_closes_its_port() {
    if Clocks::are_missing() {
        return;
    }
    let _ports = LoginPorts::take().await;
    let issuer = Issuer::start().await;
    let mut server = issuer.set_up(debuggable()).start();
    let mut host = Host::initialized(&mut server).await;
    let browser = json!({"type": "chatgpt"});
    for number in 1..=2 {
        let started = host.request("account/login/start", browser.clone()).await;
        let login = started.unwrap()["loginId"].take();
        wake(&mut host).await;
        let is_open = || LoginPorts::is_open(1455) || LoginPorts::is_open(1457);
        assert!(is_open());
        let clocks = Clocks::of(server.pid());
        clocks.move_ahead(Duration::from_secs(8 * HOUR * number));
        wake(&mut host).await;
        let completed = host.notification("account/login/completed").await;
        let expected = json!({"loginId": login, "success": false, "error": "Login timed out"});
        assert_eq!(completed, expected);
        let begun = Instant::now();
        while is_open() {
            assert!(begun.elapsed() < byokey_tests::PATIENCE, "still open");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let seen = host.quiet_for(WATCHED).await;
        assert_eq!(seen, Vec::<Value>::new());
    }
    assert!(issuer.asked(Ask::Code).is_empty());
}

// Row: the clock jumps
#[tokio::test]
async fn a_refresh_of_a_host_that_was_slept_through_fails_once_and_is_asked_for_anew() {
    if Clocks::are_missing() {
        return;
    }
    let backend = backend();
    let (server, mut host) = signed_in_with(debuggable(), &backend, &[]).await;
    host.login(&access_token(1), "ws-1").await;
    backend.reject_bearer(access_token(1));
    let limits = "account/rateLimits/read";
    let calls = [
        host.start(limits, json!({})).await,
        host.start("account/usage/read", json!({})).await,
    ];
    let (late, _) = host.asked(REFRESH).await;
    wake(&mut host).await;
    Clocks::of(server.pid()).move_ahead(Duration::from_secs(8 * HOUR));
    wake(&mut host).await;
    for call in calls {
        let failed = host.answer(call).await.unwrap_err();
        assert_eq!(failed.kind(), "hostTimeout", "{failed:?}");
    }
    let seen = host.quiet_for(WATCHED).await;
    assert!(seen.iter().all(|it| it["method"] != REFRESH), "{seen:?}");
    let tokens = |number| json!({"accessToken": access_token(number), "chatgptAccountId": "ws-1"});
    let call = host.start(limits, json!({})).await;
    let (id, _) = host.asked(REFRESH).await;
    host.respond(&late, tokens(2)).await;
    host.respond(&id, tokens(3)).await;
    host.answer(call).await.unwrap();
    let last = backend.requests().pop().unwrap();
    assert_eq!(last.bearer(), Some(&*access_token(3)));
}

// Row: the clock jumps
#[tokio::test]
async fn a_renewal_that_was_slept_through_fails_once_and_is_made_anew() {
    if Clocks::are_missing() {
        return;
    }
    let shared = SharedStore::new().await;
    shared.keep(&access_token(90), "rt-old");
    shared.backend.reject_bearer(access_token(90));
    let (server, mut host) = shared.start_with(debuggable()).await;
    let gate = shared.issuer.hold(Ask::Refresh);
    let calls = [
        host.start("account/usage/read", json!({})).await,
        host.start("account/rateLimits/read", json!({})).await,
    ];
    shared.issuer.wait_for(Ask::Refresh, 1).await;
    wake(&mut host).await;
    Clocks::of(server.pid()).move_ahead(Duration::from_secs(8 * HOUR));
    wake(&mut host).await;
    for call in calls {
        let failed = host.answer(call).await.unwrap_err();
        assert_eq!(failed.kind(), "retryable", "{failed:?}");
    }
    host.quiet_for(WATCHED).await;
    assert_eq!(shared.issuer.asked(Ask::Refresh).len(), 1);
    gate.add_permits(9);
    host.request("account/usage/read", json!({})).await.unwrap();
    assert_eq!(shared.issuer.asked(Ask::Refresh).len(), 2);
    let account = host.request("account/read", json!({})).await.unwrap();
    assert_eq!(account["account"]["email"], "ada@example.com");
}
