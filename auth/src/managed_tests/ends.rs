//! How managed logins end: replaced, logged out, superseded.

use super::*;

#[tokio::test]
async fn a_login_with_the_host_does_not_lose_tokens_on_their_way() {
    let scene = Scene::signed_in().await;
    let call = scene.call();
    settle().await;
    let host = tokens(&jwt_of("host@example.com"), "ws-9");
    scene.auth.login_external(host, PeerId(1)).unwrap();
    assert_eq!(
        call.await.unwrap(),
        Ok(Recovered::Replaced),
        "the host's tokens are newer"
    );
    scene.issuer.answer(Ok(fresh("ws-1", "u-1", "rt-2")));
    settle().await;
    assert_eq!(scene.refresh_token(), None, "the host stays in force");
    assert_eq!(scene.kept_refresh_token().as_deref(), Some("rt-2"));
}

#[tokio::test]
async fn a_logout_forgets_at_once_empties_the_store_and_gives_the_login_back() {
    let scene = Scene::signed_in().await;
    let call = scene.call();
    settle().await;
    let (_, forgotten) = scene.auth.logout(Revocation::Revoke);
    assert!(scene.auth.lease().is_none());
    assert_eq!(call.await.unwrap(), Err(RecoveryFailure::SignedOut));
    assert!(scene.auth.clear_store().await.unwrap());
    scene.issuer.answer(Ok(fresh("ws-1", "u-1", "rt-late")));
    settle().await;
    assert!(scene.store.tokens().is_none());
    scene.auth.revoke(forgotten).await;
    // A late successor of the spent refresh token is revoked, too.
    assert_eq!(*scene.issuer.revoked.lock().unwrap(), ["rt-late", "rt-1"]);
}

#[tokio::test]
async fn a_logout_that_revokes_nothing_leaves_a_late_renewal_alone() {
    let scene = Scene::signed_in().await;
    let call = scene.call();
    settle().await;
    drop(scene.auth.logout(Revocation::Leave));
    assert_eq!(call.await.unwrap(), Err(RecoveryFailure::SignedOut));
    scene.issuer.answer(Ok(fresh("ws-1", "u-1", "rt-late")));
    settle().await;
    assert!(scene.issuer.revoked.lock().unwrap().is_empty());
    assert!(scene.auth.lease().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_renewal_answers_for_half_a_minute_by_either_clock() {
    let scene = Scene::signed_in().await;
    let refresh_managed = async |spends: bool| {
        let auth = Arc::clone(&scene.auth);
        let asked = tokio::spawn(async move { auth.refresh_managed().await });
        settle().await;
        assert_eq!(scene.issuer.asked(), usize::from(spends));
        if spends {
            let number = scene.issuer.spent.lock().unwrap().len();
            let token = format!("rt-{number}-new");
            scene.issuer.answer(Ok(fresh("ws-1", "u-1", &token)));
        }
        asked.await.unwrap();
    };
    let now = |seconds| scene.clock.0.store(seconds, Ordering::Relaxed);
    refresh_managed(true).await;
    now(29);
    tokio::time::advance(Duration::from_secs(29)).await;
    refresh_managed(false).await;
    // Both clocks advance.
    now(30);
    tokio::time::advance(Duration::from_secs(1)).await;
    refresh_managed(true).await;
    // The machine slept: only the time of day advanced.
    now(3_600);
    refresh_managed(true).await;
    // The time of day was set back: the monotonic clock counts.
    tokio::time::advance(Duration::from_secs(31)).await;
    refresh_managed(true).await;
    // Another login is not the one that was renewed.
    scene.login(managed_tokens("ws-2", "u-2", "rt-9")).await;
    let auth = Arc::clone(&scene.auth);
    let asked = tokio::spawn(async move { auth.refresh_managed().await });
    settle().await;
    assert_eq!(scene.issuer.asked(), 1);
    scene.issuer.answer(Ok(fresh("ws-2", "u-2", "rt-10")));
    asked.await.unwrap();
}

#[tokio::test]
async fn a_login_that_another_one_replaced_is_given_back() {
    let scene = Scene::signed_in().await;
    scene.login(managed_tokens("ws-2", "u-2", "rt-9")).await;
    settle().await;
    assert_eq!(*scene.issuer.revoked.lock().unwrap(), ["rt-1"]);
    assert_eq!(scene.kept_refresh_token().as_deref(), Some("rt-9"));
}

#[tokio::test]
async fn a_login_that_its_owner_only_lent_is_not_given_back() {
    let lent = || {
        let mut tokens = managed_tokens("ws-1", "u-1", "");
        tokens.refresh_token = None;
        tokens
    };
    let scene = Scene::new(LoginPolicy::default());
    scene.login(lent()).await;
    scene.login(managed_tokens("ws-2", "u-2", "rt-9")).await;
    scene.login(lent()).await;
    let (_, forgotten) = scene.auth.logout(Revocation::Revoke);
    scene.auth.revoke(forgotten).await;
    settle().await;
    assert_eq!(*scene.issuer.revoked.lock().unwrap(), ["rt-9"]);
}

// Row: the order of logins
#[tokio::test]
async fn a_login_is_superseded_by_a_later_login_or_logout() {
    let scene = Scene::signed_in().await;
    let begun = scene.auth.begin_login(None);
    drop(scene.auth.logout(Revocation::Revoke));
    let tokens = managed_tokens("ws-2", "u-2", "rt-9");
    let late = ManagedLogin::new(tokens).unwrap().into();
    let refused = scene.auth.login_own(late, begun).await.unwrap_err();
    assert_eq!(refused, OwnLoginFailure::Refused(LoginRefusal::Overtaken));
    assert!(scene.auth.lease().is_none());
}
