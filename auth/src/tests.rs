//! The auth manager without a process, a clock or a network.

mod bearer;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use byokey_protocol::account::AccountUpdated;
use byokey_protocol::bearer_token::{BearerToken, BearerTokenRefreshParams};
use byokey_protocol::external_auth::{RefreshParams, RefreshReason};
use byokey_protocol::secret::Secret;
use tokio::sync::oneshot;

use super::testing::{NoIssuer, jwt, jwt_of, tokens};
use super::{
    AnswerCheck, AuthManager, BearerAnswer, Dependencies, Generation, Host, HostAnswer, HostTokens,
    LoginPolicy, LoginRefusal, PeerId, Recovered, RecoveryFailure, Revocation,
};
use crate::ephemeral::EphemeralStore;
use byokey_base::clock::Clock;

type Answer = Result<HostTokens, RecoveryFailure>;
type BearerSender = oneshot::Sender<Result<BearerToken, RecoveryFailure>>;

/// A host that answers when the test does.
#[derive(Default)]
struct HandHost {
    asked: Mutex<Vec<(RefreshParams, oneshot::Sender<Answer>)>>,
    asked_for_bearer: Mutex<Vec<(PeerId, BearerTokenRefreshParams, BearerSender)>>,
    updates: Mutex<Vec<AccountUpdated>>,
}

impl Host for HandHost {
    fn ask_refresh(&self, _: PeerId, params: RefreshParams, _: AnswerCheck) -> HostAnswer {
        let (sender, receiver) = oneshot::channel();
        self.asked.lock().unwrap().push((params, sender));
        Box::pin(async move { receiver.await.unwrap_or(Err(RecoveryFailure::HostGone)) })
    }

    fn ask_bearer_refresh(
        &self,
        supplier: PeerId,
        params: BearerTokenRefreshParams,
    ) -> BearerAnswer {
        let (sender, receiver) = oneshot::channel();
        let mut asked = self.asked_for_bearer.lock().unwrap();
        asked.push((supplier, params, sender));
        Box::pin(async move { receiver.await.unwrap_or(Err(RecoveryFailure::HostGone)) })
    }

    fn wants_proactive_refresh(&self, _: PeerId) -> bool {
        true
    }

    fn account_updated(&self, update: AccountUpdated) {
        self.updates.lock().unwrap().push(update);
    }
}

impl HandHost {
    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// Answers the oldest request.
    fn answer(&self, answer: Answer) {
        let (_, sender) = self.asked.lock().unwrap().remove(0);
        drop(sender.send(answer));
    }
}

#[derive(Default)]
struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn since_epoch(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::Relaxed).unsigned_abs())
    }
}

struct Scene {
    auth: Arc<AuthManager>,
    host: Arc<HandHost>,
    clock: Arc<HandClock>,
}

fn scene(policy: LoginPolicy) -> Scene {
    let (host, clock) = (
        Arc::new(HandHost::default()),
        Arc::new(HandClock::default()),
    );
    let dependencies = Dependencies {
        host: host.clone(),
        issuer: Arc::new(NoIssuer),
        store: Arc::new(EphemeralStore),
        clock: clock.clone(),
    };
    let auth = AuthManager::new(policy, dependencies);
    Scene { auth, host, clock }
}

impl Scene {
    fn login(&self, email: &str, account: &str) {
        self.auth
            .login_external(tokens(&jwt_of(email), account), PeerId(1))
            .unwrap();
    }

    fn generation(&self) -> Generation {
        self.auth.lease().unwrap().generation
    }

    fn email(&self) -> Option<String> {
        self.auth
            .read(|credential| credential?.chatgpt()?.email.clone())
    }

    /// Returns a call that just got a 401.
    fn call(&self) -> tokio::task::JoinHandle<Result<Recovered, RecoveryFailure>> {
        let (auth, generation) = (Arc::clone(&self.auth), self.generation());
        tokio::spawn(async move { auth.recover(generation).await })
    }
}

fn fresh(email: &str, account: &str) -> Answer {
    Ok(HostTokens {
        tokens: tokens(&jwt_of(email), account),
        supplier: PeerId(1),
    })
}

async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

// Row: one renewal for all
#[tokio::test]
async fn a_thousand_calls_cause_one_request_and_all_succeed() {
    let scene = scene(LoginPolicy::default());
    scene.login("old@example.com", "ws-1");
    let calls: Vec<_> = (0..1_000).map(|_| scene.call()).collect();
    settle().await;
    assert_eq!(scene.host.asked(), 1);
    scene.host.answer(fresh("new@example.com", "ws-1"));
    for call in calls {
        assert_eq!(call.await.unwrap(), Ok(Recovered::Renewed));
    }
    assert_eq!(scene.email().as_deref(), Some("new@example.com"));
}

#[tokio::test]
async fn a_call_under_an_older_generation_tries_again_without_asking() {
    let scene = scene(LoginPolicy::default());
    scene.login("old@example.com", "ws-1");
    let old = scene.generation();
    scene.login("new@example.com", "ws-1");
    assert_eq!(scene.auth.recover(old).await, Ok(Recovered::Replaced));
    assert_eq!(scene.host.asked(), 0);
}

// Row: a failed refresh locks no client out
#[tokio::test]
async fn after_a_failure_the_old_tokens_stay_and_the_next_401_asks_again() {
    let scene = scene(LoginPolicy::default());
    scene.login("old@example.com", "ws-1");
    for _ in 0..3 {
        let call = scene.call();
        settle().await;
        scene
            .host
            .answer(Err(RecoveryFailure::HostRefused { code: -32000 }));
        assert_eq!(
            call.await.unwrap(),
            Err(RecoveryFailure::HostRefused { code: -32000 })
        );
        assert_eq!(scene.email().as_deref(), Some("old@example.com"));
    }
}

#[tokio::test]
async fn a_logout_fails_the_waiters_and_a_late_answer_is_ignored() {
    let scene = scene(LoginPolicy::default());
    scene.login("old@example.com", "ws-1");
    let call = scene.call();
    settle().await;
    scene.auth.logout(Revocation::Revoke);
    assert_eq!(call.await.unwrap(), Err(RecoveryFailure::SignedOut));
    scene.host.answer(fresh("late@example.com", "ws-1"));
    settle().await;
    assert!(scene.auth.lease().is_none());
}

#[tokio::test]
async fn a_login_during_a_refresh_wins() {
    let scene = scene(LoginPolicy::default());
    scene.login("old@example.com", "ws-1");
    let call = scene.call();
    settle().await;
    scene.login("pushed@example.com", "ws-1");
    assert_eq!(call.await.unwrap(), Ok(Recovered::Replaced));
    scene.host.answer(fresh("late@example.com", "ws-1"));
    settle().await;
    assert_eq!(scene.email().as_deref(), Some("pushed@example.com"));
}

#[tokio::test]
async fn a_refused_login_during_a_refresh_changes_nothing() {
    let policy = LoginPolicy {
        allowed_workspaces: vec!["ws-1".into()],
        ..LoginPolicy::default()
    };
    let scene = scene(policy);
    scene.login("old@example.com", "ws-1");
    let call = scene.call();
    settle().await;
    let refused = scene
        .auth
        .login_external(tokens(&jwt("{}"), "ws-2"), PeerId(1))
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        r#"External auth must use one of workspace(s) ["ws-1"], but received "ws-2"."#
    );
    scene.host.answer(fresh("new@example.com", "ws-1"));
    assert_eq!(call.await.unwrap(), Ok(Recovered::Renewed));
}

#[tokio::test]
async fn an_answer_that_fails_a_check_replaces_nothing() {
    let policy = LoginPolicy {
        allowed_workspaces: vec!["ws-1".into(), "ws-2".into()],
        same_account: true,
        ..LoginPolicy::default()
    };
    let scene = scene(policy);
    scene.login("old@example.com", "ws-1");
    for bad in [
        fresh("new@example.com", "ws-3"),
        fresh("new@example.com", "ws-2"),
        fresh("new@example.com", ""),
        Ok(HostTokens {
            tokens: tokens("not-a-jwt", "ws-1"),
            supplier: PeerId(1),
        }),
        Err(RecoveryFailure::AnswerInvalid),
    ] {
        let call = scene.call();
        settle().await;
        scene.host.answer(bad);
        assert!(call.await.unwrap().is_err());
        assert_eq!(scene.email().as_deref(), Some("old@example.com"));
    }
}

#[tokio::test]
async fn all_clients_are_notified_when_a_refresh_changed_the_account_and_only_then() {
    let scene = scene(LoginPolicy::default());
    scene.login("same@example.com", "ws-1");
    for (email, account, notified) in [
        ("same@example.com", "ws-1", 0),
        ("same@example.com", "ws-2", 1),
        ("b@example.com", "ws-2", 2),
    ] {
        let call = scene.call();
        settle().await;
        scene.host.answer(fresh(email, account));
        call.await.unwrap().unwrap();
        settle().await;
        assert_eq!(scene.host.updates.lock().unwrap().len(), notified);
    }
}

#[tokio::test]
async fn a_call_that_gives_up_does_not_end_the_refresh_for_the_others() {
    let scene = scene(LoginPolicy::default());
    scene.login("old@example.com", "ws-1");
    let (first, second) = (scene.call(), scene.call());
    settle().await;
    first.abort();
    settle().await;
    scene.host.answer(fresh("new@example.com", "ws-1"));
    assert_eq!(second.await.unwrap(), Ok(Recovered::Renewed));
}

#[tokio::test]
async fn an_api_key_has_no_recovery_and_yields_to_the_host() {
    let scene = scene(LoginPolicy::default());
    scene
        .auth
        .login_api_key(Secret::from("sk-made-up"), PeerId(1))
        .unwrap();
    assert_eq!(
        scene.call().await.unwrap(),
        Err(RecoveryFailure::NotRefreshable)
    );
    scene.login("host@example.com", "ws-1");
    let refused = scene
        .auth
        .login_api_key(Secret::from("sk-made-up"), PeerId(1))
        .unwrap_err();
    assert_eq!(refused, LoginRefusal::ExternalAuthActive);
    assert_eq!(
        scene.auth.check_managed_login(),
        Err(LoginRefusal::ExternalAuthActive)
    );
    scene.auth.logout(Revocation::Revoke);
    scene
        .auth
        .login_api_key(Secret::from("sk-made-up"), PeerId(1))
        .unwrap();
}

#[tokio::test]
async fn calls_under_way_end_with_a_logout_but_not_with_a_new_login() {
    let scene = scene(LoginPolicy::default());
    scene.login("old@example.com", "ws-1");
    let lease = scene.auth.lease().unwrap();
    let mut ended = tokio::spawn(lease.signed_out());
    scene.login("new@example.com", "ws-1");
    settle().await;
    assert!(!ended.is_finished());
    scene.auth.logout(Revocation::Revoke);
    (&mut ended).await.unwrap();
}

/// A host whose part of this program panics.
struct FaultyHost(AtomicI64);

impl Host for FaultyHost {
    fn ask_refresh(&self, _: PeerId, _: RefreshParams, _: AnswerCheck) -> HostAnswer {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { panic!("made up") })
    }

    fn ask_bearer_refresh(&self, _: PeerId, _: BearerTokenRefreshParams) -> BearerAnswer {
        Box::pin(async { panic!("made up") })
    }

    fn wants_proactive_refresh(&self, _: PeerId) -> bool {
        false
    }

    fn account_updated(&self, _: AccountUpdated) {}
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_panics_fails_its_waiters_and_the_next_401_asks_again() {
    let host = Arc::new(FaultyHost(AtomicI64::new(0)));
    let dependencies = Dependencies {
        host: host.clone(),
        issuer: Arc::new(NoIssuer),
        store: Arc::new(EphemeralStore),
        clock: Arc::new(HandClock::default()),
    };
    let auth = AuthManager::new(LoginPolicy::default(), dependencies);
    auth.login_external(tokens(&jwt_of("old@example.com"), "ws-1"), PeerId(1))
        .unwrap();
    let generation = auth.lease().unwrap().generation;
    for asked in 1..=2 {
        let calls = async { tokio::join!(auth.recover(generation), auth.recover(generation)) };
        let calls = tokio::time::timeout(Duration::from_secs(60), calls).await;
        let interrupted = Err(RecoveryFailure::Interrupted);
        assert_eq!(calls.expect("they end"), (interrupted.clone(), interrupted));
        assert_eq!(host.0.load(Ordering::Relaxed), asked);
        assert!(
            !auth.is_refused(generation),
            "after a failure nothing is known"
        );
    }
}

// Row: the clock jumps
#[tokio::test(start_paused = true)]
async fn an_expiring_token_is_asked_for_a_minute_early_also_when_the_clock_jumps() {
    let scene = scene(LoginPolicy::default());
    let token = jwt(r#"{"exp":5000}"#);
    scene
        .auth
        .login_external(tokens(&token, "ws-1"), PeerId(1))
        .unwrap();
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    assert_eq!(scene.host.asked(), 0, "the clock on the wall has not moved");
    scene.clock.0.store(4_941, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(scene.host.asked(), 1);
    let reason = scene.host.asked.lock().unwrap()[0].0.reason.clone();
    assert_eq!(reason, RefreshReason::Expiring);
    let call = scene.call();
    settle().await;
    assert_eq!(scene.host.asked(), 1, "a 401 joins the refresh in flight");
    scene.host.answer(fresh("new@example.com", "ws-1"));
    assert_eq!(call.await.unwrap(), Ok(Recovered::Renewed));
}
