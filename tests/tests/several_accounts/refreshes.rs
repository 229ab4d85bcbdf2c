//! A refresh is of one account: asked of its supplier, and answered with tokens of that account.

use std::collections::BTreeMap;

use byokey_dev_backend::Route;
use serde_json::{Value, json};

use super::support::{REFRESH, Scene, key, list, token, tokens};

// Row: tokens stay with their account
#[tokio::test]
async fn an_answer_for_another_account_is_refused() {
    let mut scene = Scene::with(&["ada", "bob"]).await;
    let ada = key(&mut scene.host, "ada").await;
    scene.backend.reject_bearer(token("ada", 1));
    let method = "account/rateLimits/read";
    let named = json!({"accountKey": ada});
    let call = scene.host.start(method, named.clone()).await;
    let (id, params) = scene.host.asked(REFRESH).await;
    assert_eq!(params["accountKey"], ada);
    assert_eq!(params["previousAccountId"], "ada");
    scene.host.respond(&id, tokens("bob", 2)).await;
    let refused = scene.host.answer(call).await.unwrap_err();
    assert_eq!(refused.kind(), "workspaceMismatch");
    // Neither account changed.
    assert_eq!(scene.bearer_of(json!({})).await, token("bob", 1));
    let call = scene.host.start(method, named).await;
    let (id, _) = scene.host.asked(REFRESH).await;
    scene.host.respond(&id, tokens("ada", 2)).await;
    scene.host.answer(call).await.unwrap();
}

// Row: one refresh for all
#[tokio::test]
async fn a_thousand_calls_of_ten_accounts_that_get_401_cause_ten_refreshes() {
    const CALLS: usize = 1_000;
    let people: Vec<String> = (0..10).map(|number| format!("user-{number}")).collect();
    let names: Vec<&str> = people.iter().map(String::as_str).collect();
    let mut scene = Scene::with(&names).await;
    let list = list(&mut scene.host).await;
    let keys: Vec<Value> = (0..10)
        .map(|it| list["accounts"][it]["accountKey"].clone())
        .collect();
    for name in &names {
        scene.backend.reject_bearer(token(name, 1));
    }
    let mut ids = Vec::new();
    for number in 0..CALLS {
        let params = json!({"accountKey": keys[number % keys.len()]});
        ids.push(scene.host.start("account/rateLimits/read", params).await);
    }
    let mut refreshes = BTreeMap::<String, usize>::new();
    let mut successes = 0;
    while successes < CALLS {
        let message = scene.host.next().await.unwrap();
        if message["method"] == REFRESH {
            let key = &message["params"]["accountKey"];
            let of = keys.iter().position(|it| it == key).unwrap();
            assert_eq!(message["params"]["previousAccountId"], names[of]);
            *refreshes.entry(names[of].to_owned()).or_default() += 1;
            scene
                .host
                .respond(&message["id"], tokens(names[of], 2))
                .await;
        } else if ids.iter().any(|id| message["id"] == *id) {
            assert!(message["result"]["rateLimits"].is_object(), "{message}");
            successes += 1;
        }
    }
    let expected = people.iter().map(|person| (person.clone(), 1)).collect();
    assert_eq!(refreshes, expected);
    let mut succeeded = BTreeMap::<String, usize>::new();
    for request in scene.backend.requests_to(Route::Usage) {
        *succeeded
            .entry(request.bearer().unwrap().to_owned())
            .or_default() += 1;
    }
    for name in &names {
        assert_eq!(succeeded[&token(name, 2)], CALLS / 10, "{name}");
    }
}
