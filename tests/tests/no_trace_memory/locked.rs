//! What stays is on pages that are never written to swap, for as long as it stays.

use byokey_tests::issuer::Ask;
use byokey_tests::search::searchable;
use byokey_tests::{Framing, Host, MadeUp, ProcessStatus, Search, Setup, Subject, Way, tools};
use serde_json::json;

use crate::sign_in::{Scene, Tokens};
use crate::support::{ORDINARY, backend, call};

/// Fails unless each of these is there, and only on locked pages.
fn assert_locked(subject: &Subject, secrets: &[MadeUp], when: &str) {
    let (pid, memory) = (subject.server.pid(), subject.memory());
    for secret in secrets {
        let places = memory.places(&secret.text);
        assert!(!places.is_empty(), "{when}: no {}", secret.kind);
        for place in &places {
            let is_locked = ProcessStatus::is_locked(pid, *place);
            assert!(is_locked, "{when}: {} may be swapped", secret.kind);
        }
    }
}

/// Locked memory, in KiB.
fn locked(subject: &Subject) -> u64 {
    ProcessStatus::of(subject.server.pid()).locked
}

async fn sign_in_with(subject: &mut Subject, kind: &str, member: &str, secret: &MadeUp) {
    let params = json!({"type": kind, member: secret.text});
    let login = subject.host.request("account/login/start", params).await;
    login.unwrap();
}

#[tokio::test]
async fn what_hosts_hand_over() {
    let mut scene = Scene::new().await;
    let subject = &mut scene.subject;
    assert_eq!(locked(subject), 0);
    let token = MadeUp::jwt("locked", ORDINARY);
    subject.login(&token).await;
    assert_locked(subject, &[token], "handed over");
    subject.logout().await;
    let key = MadeUp::api_key("locked", 164);
    sign_in_with(subject, "apiKey", "apiKey", &key).await;
    assert_locked(subject, &[key], "an API key");
    let personal = MadeUp::opaque("personal access token", "at-", "locked");
    sign_in_with(subject, "personalAccessToken", "accessToken", &personal).await;
    assert_locked(subject, &[personal], "a personal access token");
    subject.logout().await;
    assert_eq!(locked(subject), 0, "what is gone needs no lock");
}

#[tokio::test]
async fn logins_of_our_own_and_their_renewals() {
    let mut scene = Scene::new().await;
    let (first, second) = (Tokens::new("first"), Tokens::new("second"));
    scene.sign_in(&first).await;
    assert_locked(&scene.subject, &first.all(), "signed in");
    let at_first = locked(&scene.subject);
    scene.backend.reject_bearer(&first.access.text);
    // The id token stays, and is moved.
    let answer = json!({"access_token": second.access.text, "refresh_token": second.refresh.text});
    scene.issuer.next(Ask::Refresh, 200, answer);
    scene.ask().await.unwrap();
    let held = [first.id, second.access, second.refresh];
    scene.subject.assert_all_in_use(&held, "renewed");
    assert_locked(&scene.subject, &held, "renewed");
    assert_eq!(locked(&scene.subject), at_first);
    scene.subject.logout().await;
    scene.issuer.wait_for(Ask::Revoke, 1).await;
    scene.subject.assert_all_gone(&held, "signed out").await;
    assert_eq!(locked(&scene.subject), 0);
}

#[tokio::test]
async fn a_store_that_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let setup = || {
        let home = folder.path().to_str().unwrap();
        let setup = Setup::default().argument("--store=file");
        setup.environment("BYOKEY_HOME", home)
    };
    let tokens = Tokens::new("stored");
    let mut scene = Scene::start(setup(), Way::default()).await;
    scene.sign_in(&tokens).await;
    assert_locked(&scene.subject, &tokens.all(), "stored");
    drop(scene);
    let scene = Scene::start(setup(), Way::default()).await;
    assert_locked(&scene.subject, &tokens.all(), "taken up");
}

#[tokio::test]
async fn no_more_after_a_thousand_logins() {
    let backend = backend();
    let setup = Setup::default().backend(&backend);
    let mut subject = Subject::start(setup, Framing::Lines).await;
    for (logins, length, pages) in [(1_000, 100, 1), (10, 40_000, 10)] {
        for number in 0..logins {
            let token = MadeUp::jwt(&format!("of-many-{number}"), length);
            subject.login(&token).await;
            if number % (logins / 5) == 0 {
                call(&mut subject, "account/usage/read").await;
                assert_locked(&subject, &[token], "one of many");
                assert_eq!(locked(&subject), pages * 4, "{length} bytes");
            }
        }
    }
    subject.logout().await;
    assert_eq!(locked(&subject), 0);
}

#[tokio::test]
async fn a_token_that_is_too_long_for_the_limit_is_kept_as_it_is() {
    if !tools::has("setpriv") {
        return;
    }
    // Two pages and no more.
    let setup = searchable(Setup::default().locked_memory(8));
    let mut server = setup.start();
    let mut host = Host::new(&mut server);
    let search = Search::begin(server.pid(), &mut host).await;
    let is_locked = |token: &MadeUp| {
        let places = search.memory().places(&token.text);
        assert_eq!(places.len(), 1);
        ProcessStatus::is_locked(server.pid(), places[0])
    };
    let (long, short) = (MadeUp::jwt("long", 20_000), MadeUp::jwt("short", ORDINARY));
    for _ in 0..3 {
        host.login(&long.text, "ws-made-up").await;
        search.assert_in_use(&long, "too long to be locked");
        assert!(!is_locked(&long));
        host.login(&short.text, "ws-made-up").await;
        search.assert_gone(&long, "too long to be locked").await;
        assert!(is_locked(&short));
    }
    host.close_input();
    let log = server.whole_log().await;
    assert_eq!(log.matches("does not lock memory").count(), 1, "{log}");
}
