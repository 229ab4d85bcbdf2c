//! Bearer tokens that the host owns.

use byokey_protocol::account::Account;
use byokey_protocol::bearer_token::{BearerToken, BearerTokenLogin};
use byokey_protocol::error::ErrorKind;

use super::*;
use crate::policy::ForcedMethod;

const ORIGIN: &str = "https://api.example";

fn login(token: &str, expires_at: Option<i64>, label: Option<&str>) -> BearerTokenLogin {
    BearerTokenLogin {
        token: Secret::from(token),
        origin: ORIGIN.into(),
        expires_at,
        label: label.map(str::to_owned),
    }
}

impl Scene {
    fn login_bearer(&self, token: &str, expires_at: Option<i64>) {
        self.auth
            .login_bearer(login(token, expires_at, None), ORIGIN.into(), PeerId(1))
            .unwrap();
    }

    fn bearer(&self) -> Option<String> {
        self.auth
            .read(|credential| Some(credential?.bearer().expose().to_owned()))
    }
}

impl HandHost {
    fn asked_for_bearer(&self) -> usize {
        self.asked_for_bearer.lock().unwrap().len()
    }

    fn answer_bearer(&self, answer: Result<&str, RecoveryFailure>, expires_at: Option<i64>) {
        let (_, _, sender) = self.asked_for_bearer.lock().unwrap().remove(0);
        let answer = answer.map(|token| BearerToken {
            token: Secret::from(token),
            expires_at,
        });
        drop(sender.send(answer));
    }
}

// Row: one renewal for all
#[tokio::test]
async fn a_thousand_calls_cause_one_request_to_the_supplier() {
    let scene = scene(LoginPolicy::default());
    scene.login_bearer("made-up-1", None);
    let calls: Vec<_> = (0..1_000).map(|_| scene.call()).collect();
    settle().await;
    {
        let asked = scene.host.asked_for_bearer.lock().unwrap();
        let [(supplier, params, _)] = asked.as_slice() else {
            panic!("{} requests", asked.len());
        };
        assert_eq!(*supplier, PeerId(1));
        assert_eq!(params.reason, RefreshReason::Unauthorized);
        assert_eq!(params.origin, ORIGIN);
    }
    scene.host.answer_bearer(Ok("made-up-2"), None);
    for call in calls {
        assert_eq!(call.await.unwrap(), Ok(Recovered::Renewed));
    }
    assert_eq!(scene.bearer().as_deref(), Some("made-up-2"));
    assert!(scene.host.updates.lock().unwrap().is_empty(), "no news");
    assert_eq!(scene.host.asked(), 0);
}

#[tokio::test]
async fn a_failure_or_an_answer_that_cannot_be_sent_changes_nothing() {
    let scene = scene(LoginPolicy::default());
    scene.login_bearer("made-up-1", None);
    for (answer, kind) in [
        (
            Err(RecoveryFailure::HostRefused { code: -1 }),
            ErrorKind::HostRefused,
        ),
        (Err(RecoveryFailure::HostGone), ErrorKind::HostGone),
        (Ok("made\nup"), ErrorKind::InvalidToken),
    ] {
        let call = scene.call();
        settle().await;
        scene.host.answer_bearer(answer, None);
        assert_eq!(call.await.unwrap().unwrap_err().kind(), kind);
        assert_eq!(scene.bearer().as_deref(), Some("made-up-1"));
    }
}

#[tokio::test]
async fn after_a_logout_or_another_login_a_late_bearer_is_ignored() {
    let scene = scene(LoginPolicy::default());
    scene.login_bearer("made-up-1", None);
    let call = scene.call();
    settle().await;
    scene.login_bearer("made-up-2", None);
    assert_eq!(call.await.unwrap(), Ok(Recovered::Replaced));
    scene.host.answer_bearer(Ok("late"), None);
    settle().await;
    assert_eq!(scene.bearer().as_deref(), Some("made-up-2"));
    let call = scene.call();
    settle().await;
    scene.auth.logout(Revocation::Revoke);
    assert_eq!(call.await.unwrap(), Err(RecoveryFailure::SignedOut));
    scene.host.answer_bearer(Ok("late"), None);
    settle().await;
    assert_eq!(scene.bearer(), None);
}

#[tokio::test(start_paused = true)]
async fn a_bearer_is_renewed_at_most_five_minutes_before_its_expiry() {
    let scene = scene(LoginPolicy::default());
    scene.login_bearer("made-up-1", Some(3_600));
    scene.clock.0.store(3_299, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(scene.host.asked_for_bearer(), 0, "301 seconds before");
    scene.clock.0.store(3_300, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(scene.host.asked_for_bearer(), 1);
    let reason = scene.host.asked_for_bearer.lock().unwrap()[0]
        .1
        .reason
        .clone();
    assert_eq!(reason, RefreshReason::Expiring);
    // An answer that has nearly expired does not cause another request.
    scene.host.answer_bearer(Ok("made-up-2"), Some(3_400));
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert_eq!(scene.host.asked_for_bearer(), 0);
    assert_eq!(scene.bearer().as_deref(), Some("made-up-2"));
}

#[tokio::test]
async fn other_logins_are_refused_while_a_bearer_is_in_force() {
    let scene = scene(LoginPolicy::default());
    scene.login_bearer("made-up-1", None);
    let refused = scene
        .auth
        .login_api_key(Secret::from("sk-made-up"), PeerId(1));
    assert_eq!(refused.unwrap_err(), LoginRefusal::HostBearerActive);
    assert!(scene.auth.check_managed_login().is_err());
    // The host's own tokens replace it, and it replaces them.
    scene.login("ada@example.com", "ws-1");
    scene.login_bearer("made-up-2", None);
    assert_eq!(scene.bearer().as_deref(), Some("made-up-2"));
}

#[tokio::test]
async fn a_forced_login_method_refuses_a_bearer() {
    for method in [ForcedMethod::Api, ForcedMethod::Chatgpt] {
        let policy = LoginPolicy {
            forced_method: Some(method),
            ..LoginPolicy::default()
        };
        let scene = scene(policy);
        let refused =
            scene
                .auth
                .login_bearer(login("made-up", None, None), ORIGIN.into(), PeerId(1));
        assert_eq!(refused.unwrap_err(), LoginRefusal::BearerDisabled);
    }
}

#[tokio::test]
async fn a_bearer_is_one_account_for_its_origin_label_and_connection() {
    let scene = scene(LoginPolicy::default());
    let identity = |origin: &str, label, peer| {
        let login = login("made-up", None, label);
        scene
            .auth
            .login_bearer(login, origin.into(), PeerId(peer))
            .unwrap();
        scene.auth.lease().unwrap().credential.identity()
    };
    let ada = identity(ORIGIN, Some("Ada"), 1);
    assert!(ada.is_same(&identity(ORIGIN, Some("Ada"), 1)));
    assert!(!ada.is_same(&identity(ORIGIN, Some("Ada"), 2)));
    assert!(!ada.is_same(&identity(ORIGIN, Some("Bob"), 1)));
    assert!(!ada.is_same(&identity(ORIGIN, None, 1)));
    assert!(!ada.is_same(&identity("https://other.example", Some("Ada"), 1)));
    let shown = scene.auth.read(|credential| credential.unwrap().account());
    let label = Some("Ada".to_owned());
    assert_eq!(shown, Account::BearerToken { label });
}
