//! Accounts that do not agree are refused: id token and access token, the host's account id and the
//! token's own under a forced workspace, and the answer of another connection than the supplier.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use byokey_dev_backend::issuer::answers;
use byokey_dev_backend::{DevBackend, Options, TestToken};
use byokey_tests::issuer::{Ask, Issuer, access_token};
use byokey_tests::shared_store::SharedStore;
use byokey_tests::{Host, Listening, Setup};
use serde_json::{Value, json};

const REFRESH: &str = "account/chatgptAuthTokens/refresh";

/// Returns a token of that user in that workspace, distinguished by its number.
fn token(person: &str, account: &str, number: u64) -> String {
    let person = TestToken {
        account: account.to_owned(),
        // The same text in every run.
        expires_at: 4_102_444_800,
        ..TestToken::new(person)
    };
    answers::access_token(&person, number)
}

fn login(access_token: &str, id_token: Option<&str>, account: Option<&str>) -> Value {
    json!({
        "type": "chatgptAuthTokens",
        "accessToken": access_token,
        "idToken": id_token,
        "chatgptAccountId": account,
    })
}

async fn email(host: &mut Host) -> Value {
    let read = host.request("account/read", json!({})).await;
    read.unwrap()["account"]["email"].take()
}

#[tokio::test]
async fn tokens_of_two_accounts_are_refused_and_change_nothing() {
    let mut server = Setup::default().start();
    let mut host = Host::initialized(&mut server).await;
    let ada = token("ada", "ws-1", 1);
    host.request("account/login/start", login(&ada, Some(&ada), None))
        .await
        .unwrap();
    let others = [token("ada", "ws-2", 1), token("eve", "ws-1", 1)];
    for other in &others {
        for account in [None, Some("ws-1")] {
            for (access, id) in [(&ada, other), (other, &ada)] {
                let params = login(access, Some(id), account);
                let refused = host.request("account/login/start", params).await;
                let refused = refused.unwrap_err();
                assert_eq!(refused.kind(), "workspaceMismatch", "{refused:?}");
                assert_eq!(email(&mut host).await, "ada@example.com");
            }
        }
    }
    let opaque = login("opaque-made-up-token", Some(&ada), None);
    host.request("account/login/start", opaque).await.unwrap();
}

#[tokio::test]
async fn a_forced_workspace_is_held_against_the_tokens_own() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let setup = Setup::default()
        .config("forced_chatgpt_workspace_id = \"ws-1\"")
        .backend(&backend);
    let mut server = setup.start();
    let mut host = Host::initialized(&mut server).await;
    let elsewhere = token("ada", "ws-2", 1);
    let params = login(&elsewhere, None, Some("ws-1"));
    let refused = host.request("account/login/start", params).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind(), "workspaceMismatch");
    assert!(refused.message.contains("ws-2"), "{}", refused.message);
    assert_eq!(email(&mut host).await, Value::Null);

    let here = token("ada", "ws-1", 1);
    host.login(&here, "ws-1").await;
    backend.reject_bearer(&here);
    let call = host.start("account/rateLimits/read", json!({})).await;
    let (id, _) = host.asked(REFRESH).await;
    host.respond(
        &id,
        json!({"accessToken": elsewhere, "chatgptAccountId": "ws-1"}),
    )
    .await;
    let refused = host.answer(call).await.unwrap_err();
    assert_eq!(refused.kind(), "workspaceMismatch");
}

#[tokio::test]
async fn a_login_of_two_accounts_at_the_issuer_fails() {
    let issuer = Issuer::start().await;
    let mixed = json!({
        "id_token": token("ada", "ws-1", 1),
        "access_token": token("ada", "ws-2", 1),
        "refresh_token": "rt-made-up-mixed",
    });
    issuer.next(Ask::Code, 200, mixed);
    let mut server = issuer.set_up(Setup::default()).start();
    let mut host = Host::initialized(&mut server).await;
    let device = json!({"type": "chatgptDeviceCode"});
    host.request("account/login/start", device).await.unwrap();
    let completed = host.notification("account/login/completed").await;
    assert_eq!(completed["success"], false);
    let error = completed["error"].as_str().unwrap();
    assert!(error.contains("different accounts"), "{error}");
    assert_eq!(email(&mut host).await, Value::Null);
}

/// The issuer's answer to a refresh, under a forced workspace as without one.
#[tokio::test]
async fn tokens_of_another_account_are_refused_at_a_renewal() {
    let own = access_token(91);
    for forced in ["", "forced_chatgpt_workspace_id = \"account-ada\""] {
        for (person, account) in [("ada", "ws-2"), ("eve", "account-ada")] {
            let other = token(person, account, 1);
            for answer in [
                json!({"access_token": own, "id_token": other}),
                json!({"access_token": other, "id_token": own}),
                json!({"access_token": other, "id_token": other}),
                json!({"access_token": other}),
                json!({"id_token": other}),
            ] {
                let shared = SharedStore::new().await;
                shared.keep(&access_token(90), "rt-old");
                let kept = shared.kept();
                shared.backend.reject_bearer(access_token(90));
                let setup = Setup::default().config(forced);
                let (_server, mut host) = shared.start_with(setup).await;
                shared.issuer.next(Ask::Refresh, 200, answer.clone());
                let refused = host.request("account/usage/read", json!({})).await;
                let refused = refused.unwrap_err();
                assert_eq!(refused.kind(), "reauthRequired", "{answer} {refused:?}");
                assert_eq!(shared.kept(), kept, "{answer}");
                // The refresh token is spent, so no account is signed in, and not the other one.
                assert_eq!(email(&mut host).await, Value::Null);
                let requests = shared.backend.requests();
                let mut bearers = requests.iter().filter_map(|it| it.bearer());
                assert!(bearers.all(|it| it == access_token(90)), "{answer}");
            }
        }
    }
}

/// The host's answer to a refresh, under a forced workspace as without one.
#[tokio::test]
async fn a_hosts_id_token_of_another_account_is_refused_at_a_renewal() {
    for forced in ["", "forced_chatgpt_workspace_id = \"ws-1\""] {
        for (person, account) in [("ada", "ws-2"), ("eve", "ws-1")] {
            let backend = DevBackend::start(Options::new()).unwrap();
            let setup = Setup::default().config(forced).backend(&backend);
            let mut server = setup.start();
            let mut host = Host::initialized(&mut server).await;
            let (old, new) = (token("ada", "ws-1", 1), token("ada", "ws-1", 2));
            host.login(&old, "ws-1").await;
            backend.reject_bearer(&old);
            let call = host.start("account/rateLimits/read", json!({})).await;
            let (id, _) = host.asked(REFRESH).await;
            let other = token(person, account, 1);
            let mut answer = login(&new, Some(&other), Some("ws-1"));
            answer.as_object_mut().unwrap().remove("type");
            host.respond(&id, answer).await;
            let refused = host.answer(call).await.unwrap_err();
            assert_eq!(refused.kind(), "workspaceMismatch", "{refused:?}");
            assert_eq!(email(&mut host).await, "ada@example.com");
            let used = backend.requests();
            assert!(used.iter().all(|it| it.bearer() == Some(&*old)));
        }
    }
}

#[tokio::test]
async fn without_the_supplier_another_connection_answers_for_the_same_account_only() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let setup = Setup::default().backend(&backend);
    let listening = Listening::start(setup, "unix://").await;
    let mut supplier = listening.unix_host().await;
    let mut first = listening.unix_host().await;
    let mut second = listening.unix_host().await;
    let old = token("ada", "ws-1", 1);
    supplier.login(&old, "ws-1").await;
    backend.reject_bearer(&old);
    let call = first.start("account/rateLimits/read", json!({})).await;
    supplier.asked(REFRESH).await;
    drop(supplier);

    // An answer for another account does not end the wait for one that counts.
    let (id, _) = first.asked(REFRESH).await;
    let other = json!({"accessToken": token("eve", "ws-2", 1), "chatgptAccountId": "ws-2"});
    first.respond(&id, other.clone()).await;
    let (id, _) = second.asked(REFRESH).await;
    let new = token("ada", "ws-1", 2);
    let same = json!({"accessToken": new, "chatgptAccountId": "ws-1"});
    second.respond(&id, same).await;
    first.answer(call).await.unwrap();
    assert_eq!(backend.requests().last().unwrap().bearer(), Some(&*new));

    // Without an answer for the account, the call fails and the account stays.
    backend.reject_bearer(&new);
    let call = first.start("account/rateLimits/read", json!({})).await;
    second.asked(REFRESH).await;
    drop(second);
    for tokens in [
        other,
        json!({"accessToken": token("eve", "ws-1", 1), "chatgptAccountId": "ws-1"}),
    ] {
        let call = match tokens["chatgptAccountId"].as_str() {
            Some("ws-2") => call,
            _ => first.start("account/rateLimits/read", json!({})).await,
        };
        let (id, _) = first.asked(REFRESH).await;
        first.respond(&id, tokens).await;
        let refused = first.answer(call).await.unwrap_err();
        assert_eq!(refused.kind(), "workspaceMismatch", "{refused:?}");
        assert_eq!(email(&mut first).await, "ada@example.com");
    }
}
