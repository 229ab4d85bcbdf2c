//! Managed logins: refresh, rotation, several processes, logout.

mod clocks;
mod ends;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use byokey_protocol::secret::Secret;
use http::StatusCode;
use tokio::task::JoinHandle;

use crate::fakes::{FakeIssuer, SharedStore};
use crate::testing::{NoHost, jwt_of, managed_tokens, token_of, tokens};
use crate::{
    AuthManager, AuthState, Credential, Dependencies, IssuerFailure, LoginPolicy, LoginRefusal,
    ManagedLogin, ManagedTokens, OwnLoginFailure, PeerId, PermanentFailure, Recovered, Recovery,
    RecoveryFailure, RefreshOrder, Renewal, RenewedTokens, Revocation, StoreFailure,
};
use byokey_base::clock::Clock;

/// The year 2100.
const FAR: i64 = 4_102_444_800;

#[derive(Default)]
struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn since_epoch(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::Relaxed).unsigned_abs())
    }
}

/// One process: its auth manager and the state that it shares with others.
struct Scene {
    auth: Arc<AuthManager>,
    issuer: Arc<FakeIssuer>,
    store: Arc<SharedStore>,
    clock: Arc<HandClock>,
}

impl Scene {
    fn new(policy: LoginPolicy) -> Self {
        Self::sharing(policy, Arc::default(), Arc::default())
    }

    fn sharing(policy: LoginPolicy, issuer: Arc<FakeIssuer>, store: Arc<SharedStore>) -> Self {
        let clock = Arc::<HandClock>::default();
        let dependencies = Dependencies {
            host: Arc::new(NoHost),
            issuer: issuer.clone(),
            store: store.clone(),
            clock: clock.clone(),
        };
        let auth = AuthManager::new(policy, dependencies);
        Self {
            auth,
            issuer,
            store,
            clock,
        }
    }

    async fn signed_in() -> Self {
        let scene = Self::new(LoginPolicy::default());
        scene.login(managed_tokens("ws-1", "u-1", "rt-1")).await;
        scene
    }

    async fn login(&self, tokens: ManagedTokens) {
        let credential = ManagedLogin::new(tokens).unwrap().into();
        let begun = self.auth.begin_login(None);
        self.auth.login_own(credential, begun).await.unwrap();
    }

    fn call(&self) -> JoinHandle<Result<Recovered, RecoveryFailure>> {
        let auth = Arc::clone(&self.auth);
        let generation = auth.lease().unwrap().generation;
        tokio::spawn(async move { auth.recover(generation).await })
    }

    /// Returns the refresh token in force.
    fn refresh_token(&self) -> Option<String> {
        self.auth.read(|credential| match credential {
            Some(Credential::Managed(login)) => {
                let token = login.tokens().refresh_token.as_ref()?;
                Some(token.expose().to_owned())
            }
            _ => None,
        })
    }

    fn kept_refresh_token(&self) -> Option<String> {
        let token = self.store.tokens()?.refresh_token?;
        Some(token.expose().to_owned())
    }
}

fn fresh(account: &str, user: &str, refresh_token: &str) -> RenewedTokens {
    RenewedTokens {
        id_token: None,
        access_token: Some(Secret::from(token_of(account, user, FAR + 1).as_str())),
        refresh_token: Some(Secret::from(refresh_token)),
    }
}

async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

// Row: one renewal for all
// Row: rotation of refresh tokens
#[tokio::test]
async fn a_thousand_calls_spend_one_refresh_token_and_its_successor_is_saved_first() {
    let scene = Scene::signed_in().await;
    let calls: Vec<_> = (0..1_000).map(|_| scene.call()).collect();
    settle().await;
    assert_eq!(scene.issuer.asked(), 1);
    scene.issuer.answer(Ok(fresh("ws-1", "u-1", "rt-2")));
    for call in calls {
        assert_eq!(call.await.unwrap(), Ok(Recovered::Renewed));
        assert_eq!(scene.kept_refresh_token().as_deref(), Some("rt-2"));
    }
    assert_eq!(scene.refresh_token().as_deref(), Some("rt-2"));
    assert_eq!(*scene.issuer.spent.lock().unwrap(), ["rt-1"]);
}

#[tokio::test]
async fn a_transient_failure_clears_nothing_and_the_next_401_asks_again() {
    let scene = Scene::signed_in().await;
    for _ in 0..3 {
        let call = scene.call();
        settle().await;
        let failure = IssuerFailure::Status(StatusCode::INTERNAL_SERVER_ERROR);
        scene.issuer.answer(Err(failure));
        let failed = call.await.unwrap().unwrap_err();
        assert!(failed.to_string().starts_with("Failed to refresh token: "));
        assert_eq!(scene.refresh_token().as_deref(), Some("rt-1"));
        assert_eq!(scene.kept_refresh_token().as_deref(), Some("rt-1"));
        assert!(!scene.auth.needs_reauth());
    }
    assert_eq!(scene.issuer.spent.lock().unwrap().len(), 3);
}

// Row: failures of the issuer
#[tokio::test]
async fn a_permanent_failure_is_remembered_until_the_credential_changes() {
    for permanent in [
        PermanentFailure::Expired,
        PermanentFailure::Exhausted,
        PermanentFailure::Revoked,
        PermanentFailure::Other,
    ] {
        let scene = Scene::signed_in().await;
        let call = scene.call();
        settle().await;
        scene.issuer.answer(Err(permanent.into()));
        let expected = Err(RecoveryFailure::Permanent(permanent));
        assert_eq!(call.await.unwrap(), expected);
        assert!(scene.auth.needs_reauth());
        assert_eq!(scene.call().await.unwrap(), expected);
        assert_eq!(scene.issuer.spent.lock().unwrap().len(), 1);

        scene.login(managed_tokens("ws-1", "u-1", "rt-9")).await;
        assert!(!scene.auth.needs_reauth());
        let call = scene.call();
        settle().await;
        scene.issuer.answer(Ok(fresh("ws-1", "u-1", "rt-10")));
        assert_eq!(call.await.unwrap(), Ok(Recovered::Renewed));
    }
}

// Row: both steps in one call
#[tokio::test]
async fn a_newer_token_in_the_store_is_adopted_also_after_a_permanent_failure() {
    let scene = Scene::signed_in().await;
    let mut newer = managed_tokens("ws-1", "u-1", "rt-other-process");
    newer.access_token = Secret::from(token_of("ws-1", "u-1", FAR + 7).as_str());
    scene.store.keep(newer.duplicate());
    assert_eq!(scene.call().await.unwrap(), Ok(Recovered::Replaced));
    assert_eq!(scene.refresh_token().as_deref(), Some("rt-other-process"));
    assert_eq!(scene.issuer.asked(), 0, "nothing was spent");

    let call = scene.call();
    settle().await;
    scene.issuer.answer(Err(PermanentFailure::Exhausted.into()));
    call.await.unwrap().unwrap_err();
    scene.store.keep(managed_tokens("ws-1", "u-1", "rt-newest"));
    assert_eq!(scene.call().await.unwrap(), Ok(Recovered::Replaced));
    assert!(!scene.auth.needs_reauth());
    assert_eq!(scene.refresh_token().as_deref(), Some("rt-newest"));
}

#[tokio::test]
async fn another_account_in_the_store_or_none_is_never_adopted() {
    for other in [Some(("ws-2", "u-1")), Some(("ws-1", "u-2")), None] {
        let scene = Scene::signed_in().await;
        match other {
            Some((account, user)) => scene.store.keep(managed_tokens(account, user, "rt-x")),
            None => drop(scene.store.kept.lock().unwrap().take()),
        }
        let mismatch = Err(RecoveryFailure::Permanent(PermanentFailure::Mismatch));
        assert_eq!(scene.call().await.unwrap(), mismatch, "{other:?}");
        assert_eq!(scene.refresh_token().as_deref(), Some("rt-1"));
        assert_eq!(scene.issuer.asked(), 0);
    }
}

// Row: tokens stay with their account
#[tokio::test]
async fn the_same_tokens_under_another_account_in_the_store_are_no_reason_to_spend_ours() {
    let scene = Scene::new(LoginPolicy::default());
    let opaque = |account: &str| ManagedTokens {
        access_token: Secret::from("opaque"),
        account_id: Some(account.to_owned()),
        ..managed_tokens("ws-1", "u-1", "rt-1")
    };
    scene.login(opaque("ws-1")).await;
    scene.store.keep(opaque("ws-2"));
    let call = scene.call();
    settle().await;
    assert_eq!(scene.issuer.asked(), 0);
    let mismatch = Err(RecoveryFailure::Permanent(PermanentFailure::Mismatch));
    assert_eq!(call.await.unwrap(), mismatch);
}

// Row: tokens stay with their account
#[test]
fn newer_tokens_of_another_account_are_never_put_in_force() {
    let login = |account: &str| {
        let tokens = managed_tokens(account, "u-1", "rt-1");
        ManagedLogin::new(tokens).unwrap()
    };
    for renewal in [Renewal::Issuer, Renewal::Store] {
        let mut state = AuthState::<()>::new(LoginPolicy::default());
        let begun = state.epoch();
        let credential = login("ws-1").into();
        let _ = state.login_own(credential, begun, None).unwrap();
        let Recovery::Ask(RefreshOrder::Managed { ticket, .. }) =
            state.unauthorized(state.generation(), ())
        else {
            panic!("no renewal was requested");
        };
        let answer = Ok(renewal(Arc::new(login("ws-2"))));
        let transition = state.managed_refreshed(&ticket, answer).unwrap();
        let mismatch = Err(RecoveryFailure::Permanent(PermanentFailure::Mismatch));
        assert_eq!(transition.outcome, mismatch);
        let account = state.credential().unwrap().chatgpt().unwrap();
        assert_eq!(account.id.as_deref(), Some("ws-1"));
    }
}

// Row: tokens stay with their account
#[tokio::test]
async fn an_answer_for_another_account_is_neither_used_nor_saved() {
    for (account, user) in [("ws-2", "u-1"), ("ws-1", "u-2")] {
        let scene = Scene::signed_in().await;
        let call = scene.call();
        settle().await;
        scene.issuer.answer(Ok(fresh(account, user, "rt-x")));
        let mismatch = Err(RecoveryFailure::Permanent(PermanentFailure::Mismatch));
        assert_eq!(call.await.unwrap(), mismatch);
        assert_eq!(scene.kept_refresh_token().as_deref(), Some("rt-1"));
    }
}

// Row: processes that share a store
#[tokio::test]
async fn two_processes_spend_one_token() {
    let one = Scene::signed_in().await;
    let (issuer, store) = (Arc::clone(&one.issuer), Arc::clone(&one.store));
    let two = Scene::sharing(LoginPolicy::default(), issuer, store);
    assert!(two.auth.restore_from_store().await.unwrap());
    let (first, second) = (one.call(), two.call());
    settle().await;
    assert_eq!(one.issuer.asked(), 1, "the other waits for the lock");
    one.issuer.answer(Ok(fresh("ws-1", "u-1", "rt-2")));
    assert_eq!(first.await.unwrap(), Ok(Recovered::Renewed));
    settle().await;
    assert_eq!(one.issuer.asked(), 0, "nothing more is spent");
    assert_eq!(second.await.unwrap(), Ok(Recovered::Replaced));
    assert_eq!(two.refresh_token().as_deref(), Some("rt-2"));
    assert_eq!(*one.issuer.spent.lock().unwrap(), ["rt-1"]);
}

// Row: rotation of refresh tokens
#[tokio::test]
async fn a_store_that_cannot_take_the_successor_does_not_lose_it() {
    let scene = Scene::signed_in().await;
    let full = StoreFailure::Unwritable {
        place: "made-up".into(),
        problem: "no space left".into(),
    };
    *scene.store.broken.lock().unwrap() = Some(full);
    for number in 2..4 {
        let call = scene.call();
        settle().await;
        let next = format!("rt-{number}");
        scene.issuer.answer(Ok(fresh("ws-1", "u-1", &next)));
        assert_eq!(call.await.unwrap(), Ok(Recovered::Renewed));
        assert_eq!(scene.refresh_token(), Some(next));
        assert_eq!(scene.kept_refresh_token().as_deref(), Some("rt-1"));
    }
    *scene.store.broken.lock().unwrap() = None;
    let call = scene.call();
    settle().await;
    scene.issuer.answer(Ok(fresh("ws-1", "u-1", "rt-4")));
    assert_eq!(call.await.unwrap(), Ok(Recovered::Renewed));
    assert_eq!(scene.kept_refresh_token().as_deref(), Some("rt-4"));
    assert_eq!(
        *scene.issuer.spent.lock().unwrap(),
        ["rt-1", "rt-2", "rt-3"]
    );
}

// Row: the file
#[tokio::test]
async fn a_login_that_cannot_be_saved_is_refused() {
    let scene = Scene::new(LoginPolicy::default());
    let full = StoreFailure::Unwritable {
        place: "made-up".into(),
        problem: "no space left".into(),
    };
    *scene.store.broken.lock().unwrap() = Some(full.clone());
    let tokens = managed_tokens("ws-1", "u-1", "rt-1");
    let credential = ManagedLogin::new(tokens).unwrap().into();
    let refused = scene
        .auth
        .login_own(credential, scene.auth.begin_login(None))
        .await;
    assert_eq!(refused.unwrap_err(), OwnLoginFailure::Store(full));
    assert!(scene.auth.lease().is_none());
}

// Row: renewal before the expiry
#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_five_minutes_before_it_expires_and_no_sooner() {
    let scene = Scene::new(LoginPolicy::default());
    let mut tokens = managed_tokens("ws-1", "u-1", "rt-1");
    tokens.access_token = Secret::from(token_of("ws-1", "u-1", 360).as_str());
    scene.login(tokens).await;
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert_eq!(scene.issuer.asked(), 0, "six minutes are left");
    scene.clock.0.store(60, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(scene.issuer.asked(), 1);
    assert!(scene.auth.is_stale());
    scene
        .issuer
        .answer(Err(IssuerFailure::Status(StatusCode::SERVICE_UNAVAILABLE)));
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(scene.issuer.asked(), 0, "not at once again");
    scene.clock.0.store(125, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(scene.issuer.asked(), 1, "a minute later again");
    scene.issuer.answer(Ok(fresh("ws-1", "u-1", "rt-2")));
    settle().await;
    assert_eq!(scene.refresh_token().as_deref(), Some("rt-2"));
    assert!(!scene.auth.is_stale());
}

#[tokio::test]
async fn a_login_that_is_still_on_its_way_from_the_store_can_be_signed_out_and_given_back() {
    let scene = Scene::new(LoginPolicy::default());
    scene.store.keep(managed_tokens("ws-1", "u-1", "rt-1"));
    let silent = Arc::clone(&scene.store.silent).lock_owned().await;
    let auth = Arc::clone(&scene.auth);
    let restored = tokio::spawn(async move { auth.restore_from_store().await });
    settle().await;
    let (_, seen) = scene.auth.logout(Revocation::Revoke);
    assert!(!seen.is_revocable());
    drop(silent);
    let overtaken = OwnLoginFailure::Refused(LoginRefusal::Overtaken);
    assert_eq!(restored.await.unwrap(), Err(overtaken));
    assert!(scene.auth.lease().is_none());
    scene.auth.revoke(scene.auth.signed_out_unseen()).await;
    assert_eq!(*scene.issuer.revoked.lock().unwrap(), ["rt-1"]);
    assert!(!scene.auth.signed_out_unseen().is_revocable(), "once");
}

#[tokio::test]
async fn a_login_under_way_is_newer_than_what_the_store_held_at_the_start() {
    let scene = Scene::new(LoginPolicy::default());
    scene.store.keep(managed_tokens("ws-1", "u-1", "rt-1"));
    let begun = scene.auth.begin_login(None);
    assert!(scene.auth.restore_from_store().await.unwrap());
    let newer = ManagedLogin::new(managed_tokens("ws-2", "u-2", "rt-9")).unwrap();
    let newer = newer.into();
    scene.auth.login_own(newer, begun).await.unwrap();
    assert_eq!(scene.refresh_token().as_deref(), Some("rt-9"));
    settle().await;
    assert_eq!(*scene.issuer.revoked.lock().unwrap(), ["rt-1"]);
}

#[tokio::test]
async fn an_expired_token_is_renewed_at_the_start() {
    let scene = Scene::new(LoginPolicy::default());
    scene.clock.0.store(1_000, Ordering::Relaxed);
    let mut tokens = managed_tokens("ws-1", "u-1", "rt-1");
    tokens.access_token = Secret::from(token_of("ws-1", "u-1", 5).as_str());
    scene.store.keep(tokens);
    assert!(scene.auth.restore_from_store().await.unwrap());
    settle().await;
    assert_eq!(scene.issuer.asked(), 1);
}
