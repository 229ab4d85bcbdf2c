//! A client without the capability sees one account, and no member that codex does not have.

use byokey_dev_backend::{DevBackend, Options, Route};
use byokey_tests::{Host, Listening, Setup};
use serde_json::{Value, json};

use super::support::{REFRESH, add, key, thread, token, tokens, turn};

async fn both() -> (DevBackend, Listening, Host, Host) {
    let backend = DevBackend::start(Options::new()).unwrap();
    let setup = Setup::default().backend(&backend);
    let listening = Listening::start(setup, "unix://").await;
    let unaware = listening.unix_host().await;
    let mut aware = listening.unix_stranger();
    let capabilities = json!({"multipleAccounts": true});
    let answer = aware.introduce("several", capabilities).await;
    assert_eq!(answer["serverInfo"]["multipleAccounts"], true, "{answer}");
    (backend, listening, unaware, aware)
}

/// Returns what arrived until this message.
async fn until(host: &mut Host, is_it: impl Fn(&Value) -> bool) -> Vec<Value> {
    let mut seen = Vec::new();
    loop {
        let message = host.next().await.unwrap();
        let is_last = is_it(&message);
        seen.push(message);
        if is_last {
            return seen;
        }
    }
}

#[tokio::test]
async fn a_client_without_the_capability_sees_the_selected_account_alone() {
    let (backend, _listening, mut unaware, mut aware) = both().await;
    unaware.login(&token("ada", 1), "ada").await;
    add(&mut aware, "bob").await;
    let seen = until(&mut unaware, |it| it["method"] == "account/updated").await;
    let text = json!(seen).to_string();
    for ours in ["accountKey", "account/list", "selectedKey"] {
        assert!(!text.contains(ours), "{text}");
    }
    let read = unaware.request("account/read", json!({})).await.unwrap();
    assert_eq!(read["account"]["email"], "bob@example.com", "{read}");
    for method in ["account/list", "account/select", "account/remove"] {
        let params = json!({"accountKey": "any"});
        let refused = unaware.request(method, params).await.unwrap_err();
        assert_eq!(refused.kind(), "unsupported", "{method}");
    }
    // Members that name accounts have no effect.
    let params = json!({"accountKey": "no such"});
    unaware
        .request("account/rateLimits/read", params)
        .await
        .unwrap();

    // The limits of an account that is not selected are not theirs.
    let ada = key_of_other(&mut aware).await;
    let thread = thread(&mut aware, json!({"accountKey": ada})).await;
    turn(&mut aware, &thread).await;
    let requests = backend.requests_to(Route::Responses);
    assert_eq!(
        requests.last().unwrap().bearer(),
        Some(token("ada", 1).as_str())
    );
    let asked = unaware.start("account/read", json!({})).await;
    let seen = until(&mut unaware, |it| it["id"] == asked).await;
    let is_limits = |it: &&Value| it["method"] == "account/rateLimits/updated";
    assert_eq!(seen.iter().filter(is_limits).count(), 0, "{seen:?}");
}

/// Returns the key of the first account, which has no label.
async fn key_of_other(host: &mut Host) -> Value {
    let mut list = host.request("account/list", json!({})).await.unwrap();
    list["accounts"][0]["accountKey"].take()
}

#[tokio::test]
async fn its_login_and_logout_are_of_one_account() {
    let (_backend, _listening, mut unaware, mut aware) = both().await;
    add(&mut aware, "ada").await;
    add(&mut aware, "bob").await;
    // Without the capability, `keep` is no member.
    let mut login = tokens("eve", 1);
    login["type"] = json!("chatgptAuthTokens");
    login["keep"] = json!(true);
    unaware.request("account/login/start", login).await.unwrap();
    let (labels, selected) = super::support::labels(&mut aware).await;
    assert_eq!(
        (labels, selected),
        (vec!["ada".to_owned(), String::new()], Some(String::new()))
    );
    unaware
        .request("account/logout", json!({"all": true}))
        .await
        .unwrap();
    let (labels, selected) = super::support::labels(&mut aware).await;
    assert_eq!((labels, selected), (vec!["ada".to_owned()], None));
    let read = unaware.request("account/read", json!({})).await.unwrap();
    assert_eq!(read["account"], json!(null));
    key(&mut aware, "ada").await;
}

#[tokio::test]
async fn its_refresh_request_has_no_key() {
    let (backend, _listening, mut unaware, mut aware) = both().await;
    unaware.login(&token("ada", 1), "ada").await;
    add(&mut aware, "bob").await;
    let ada = key_of_other(&mut aware).await;
    backend.reject_bearer(token("ada", 1));
    let method = "account/rateLimits/read";
    let call = aware.start(method, json!({"accountKey": ada})).await;
    let (id, params) = unaware.asked(REFRESH).await;
    assert_eq!(
        params,
        json!({"reason": "unauthorized", "previousAccountId": "ada"})
    );
    unaware.respond(&id, tokens("ada", 2)).await;
    aware.answer(call).await.unwrap();
}

/// Moving a thread is for those that started or resumed it, as reading and deleting it is.
#[tokio::test]
async fn a_thread_of_another_client_is_not_moved() {
    let (backend, _listening, mut unaware, mut aware) = both().await;
    unaware.login(&token("ada", 1), "ada").await;
    let of_ada = thread(&mut unaware, json!({})).await;
    add(&mut aware, "bob").await;
    let bob = key(&mut aware, "bob").await;
    let select = json!({"accountKey": bob, "threadId": of_ada});
    let refused = aware.request("account/select", select).await.unwrap_err();
    assert_eq!(refused.kind(), "notFound", "{refused:?}");
    let input = json!([{"type": "text", "text": "Hello"}]);
    let moved = json!({"threadId": of_ada, "accountKey": bob, "input": input});
    let refused = aware.request("turn/start", moved).await.unwrap_err();
    assert_eq!(refused.kind(), "notFound", "{refused:?}");
    assert_eq!(turn(&mut unaware, &of_ada).await["status"], "completed");
    let requests = backend.requests_to(Route::Responses);
    assert_eq!(requests.last().unwrap().bearer(), Some(&*token("ada", 1)));
}

/// Its own tokens are those of another account.
#[tokio::test]
async fn it_is_not_asked_for_tokens_of_an_account_that_is_not_selected() {
    let (backend, listening, mut unaware, mut aware) = both().await;
    add(&mut aware, "bob").await;
    let bob = key(&mut aware, "bob").await;
    let mut other = listening.unix_stranger();
    other
        .introduce("other", json!({"multipleAccounts": true}))
        .await;
    add(&mut other, "ada").await;
    drop(aware);
    backend.reject_bearer(token("bob", 1));
    let method = "account/rateLimits/read";
    let call = other.start(method, json!({"accountKey": bob})).await;
    let (id, params) = other.asked(REFRESH).await;
    assert_eq!(params["accountKey"], bob);
    other.respond(&id, tokens("bob", 2)).await;
    other.answer(call).await.unwrap();
    let read = unaware.start("account/read", json!({})).await;
    let seen = until(&mut unaware, |it| it["id"] == json!(read)).await;
    let asked = seen.iter().filter(|it| it["method"] == REFRESH).count();
    assert_eq!(asked, 0, "{seen:?}");
}
