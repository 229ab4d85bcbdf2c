//! A machine that sleeps, wakes, and has its clock set: renewals neither come in a burst nor wait
//! for hours.

use std::sync::atomic::Ordering;
use std::time::Duration;

use byokey_protocol::secret::Secret;

use super::{Scene, fresh, settle};
use crate::testing::{managed_tokens, token_of};
use crate::{IssuerFailure, LoginPolicy, ManagedTokens, RenewedTokens};

const HOUR: u64 = 3_600;

/// A login with an access token that expires then.
fn expiring(at: i64) -> ManagedTokens {
    ManagedTokens {
        access_token: Secret::from(token_of("ws-1", "u-1", at).as_str()),
        ..managed_tokens("ws-1", "u-1", "rt-1")
    }
}

/// What the issuer hands out: an access token that expires then.
fn renewed(at: i64, refresh_token: &str) -> RenewedTokens {
    RenewedTokens {
        access_token: Some(Secret::from(token_of("ws-1", "u-1", at).as_str())),
        ..fresh("ws-1", "u-1", refresh_token)
    }
}

impl Scene {
    fn set_clock(&self, seconds: i64) {
        self.clock.0.store(seconds, Ordering::Relaxed);
    }

    /// Time passes while the machine is awake: both clocks go on.
    async fn awake(&self, seconds: u64) {
        for _ in 0..seconds {
            self.clock.0.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        settle().await;
    }

    /// The machine sleeps: only the time of day goes on.
    fn asleep(&self, seconds: u64) {
        let seconds = i64::try_from(seconds).unwrap();
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_past_the_expiry_renews_once_and_within_minutes() {
    let scene = Scene::new(LoginPolicy::default());
    scene.login(expiring(2 * 3_600)).await;
    scene.awake(60).await;
    assert_eq!(scene.issuer.asked(), 0);
    scene.asleep(100 * HOUR);
    scene.awake(600).await;
    assert_eq!(scene.issuer.asked(), 1, "at the next look at the clock");
    scene.issuer.answer(Ok(renewed(110 * 3_600, "rt-2")));
    scene.awake(HOUR).await;
    assert_eq!(scene.issuer.asked(), 0, "once");
    assert_eq!(scene.refresh_token().as_deref(), Some("rt-2"));
}

#[tokio::test(start_paused = true)]
async fn failures_before_and_after_a_sleep_are_tried_again_once_a_minute() {
    let scene = Scene::new(LoginPolicy::default());
    scene.set_clock(10_000);
    scene.login(expiring(10_000)).await;
    settle().await;
    let failed = || IssuerFailure::Status(http::StatusCode::SERVICE_UNAVAILABLE);
    for slept in [0, 8 * HOUR, 24 * HOUR] {
        assert_eq!(scene.issuer.asked(), 1);
        scene.issuer.answer(Err(failed()));
        settle().await;
        scene.asleep(slept);
        scene.awake(58).await;
        assert_eq!(scene.issuer.asked(), 0, "no sooner, however long it slept");
        scene.awake(3).await;
    }
    assert_eq!(scene.issuer.asked(), 1);
}

// Row: the clock jumps
#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_after_a_failure_does_not_put_the_next_try_off() {
    let scene = Scene::new(LoginPolicy::default());
    // It is three hours ahead.
    scene.set_clock(4 * 3_600);
    scene.login(expiring(3_600)).await;
    settle().await;
    assert_eq!(scene.issuer.asked(), 1);
    let failed = IssuerFailure::Status(http::StatusCode::SERVICE_UNAVAILABLE);
    scene.issuer.answer(Err(failed));
    settle().await;
    scene.set_clock(3_600);
    scene.awake(61).await;
    assert_eq!(scene.issuer.asked(), 1, "a minute is a minute");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_wrong_by_years_spends_no_refresh_tokens_in_a_row() {
    let scene = Scene::new(LoginPolicy::default());
    scene.set_clock(5_000_000_000);
    scene.login(expiring(1_700_000_000)).await;
    settle().await;
    assert_eq!(scene.issuer.asked(), 1);
    let answer = renewed(1_700_003_600, "rt-2");
    scene.issuer.answer(Ok(answer));
    scene.awake(HOUR).await;
    assert_eq!(scene.issuer.asked(), 0, "each new token would look expired");

    // The other way round nothing is due, and a refused call still renews.
    scene.set_clock(1_000);
    scene.awake(HOUR).await;
    assert_eq!(scene.issuer.asked(), 0);
    let call = scene.call();
    settle().await;
    scene.issuer.answer(Ok(renewed(1_700_007_200, "rt-3")));
    call.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn dates_at_the_ends_of_the_calendar_do_not_overflow() {
    for (at, is_due) in [(i64::MIN, true), (i64::MAX, false), (-1, true)] {
        let scene = Scene::new(LoginPolicy::default());
        scene.set_clock(1_000);
        scene.login(expiring(at)).await;
        settle().await;
        assert_eq!(scene.issuer.asked(), usize::from(is_due), "{at}");
        assert_eq!(scene.auth.is_stale(), is_due, "{at}");
    }
    let scene = Scene::new(LoginPolicy::default());
    let mut opaque = managed_tokens("ws-1", "u-1", "rt-1");
    opaque.access_token = Secret::from("opaque");
    opaque.obtained_at = Some(i64::MAX);
    scene.login(opaque).await;
    assert!(!scene.auth.is_stale());
}
