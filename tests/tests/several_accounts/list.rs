//! `account/list`, `account/select`, `account/remove` and the ends of accounts.

use byokey_tests::Listening;
use serde_json::json;

use super::support::{Scene, add, key, labels, list, token, tokens};
use byokey_dev_backend::{DevBackend, Options};
use byokey_tests::Setup;

#[tokio::test]
async fn a_kept_login_is_added_and_selected() {
    let mut scene = Scene::with(&["ada", "bob"]).await;
    let list = list(&mut scene.host).await;
    let ada = &list["accounts"][0];
    assert_eq!(ada["label"], "ada");
    assert_eq!(ada["account"]["type"], "chatgpt");
    assert_eq!(
        (&ada["owner"], &ada["state"]),
        (&json!("host"), &json!("ok"))
    );
    assert_eq!(ada["expiresAt"], 4_102_444_800_u64);
    assert_eq!(list["accounts"][1]["accountKey"], list["selectedKey"]);
    let text = list.to_string();
    assert!(!text.contains(&token("ada", 1)) && !text.contains(&token("bob", 1)));

    // The same account again: its tokens are replaced, its key and label stay.
    let mut again = tokens("ada", 2);
    again["type"] = json!("chatgptAuthTokens");
    again["keep"] = json!(true);
    scene
        .host
        .request("account/login/start", again)
        .await
        .unwrap();
    let now = labels(&mut scene.host).await;
    assert_eq!(
        now,
        (
            vec!["ada".to_owned(), "bob".to_owned()],
            Some("ada".to_owned())
        )
    );
    assert_eq!(key(&mut scene.host, "ada").await, ada["accountKey"]);
    assert_eq!(scene.bearer_of(json!({})).await, token("ada", 2));
}

#[tokio::test]
async fn a_login_without_keep_replaces_the_selected_account_alone() {
    let mut scene = Scene::with(&["ada", "bob"]).await;
    scene.host.login(&token("eve", 1), "eve").await;
    let (labels, selected) = labels(&mut scene.host).await;
    assert_eq!(
        (labels, selected),
        (vec!["ada".to_owned(), String::new()], Some(String::new()))
    );
    assert_eq!(scene.bearer_of(json!({})).await, token("eve", 1));
}

#[tokio::test]
async fn after_the_removal_of_the_selected_account_none_is_selected() {
    let mut scene = Scene::with(&["ada", "bob", "eve"]).await;
    let eve = key(&mut scene.host, "eve").await;
    let remove = json!({"accountKey": eve});
    scene
        .host
        .request("account/remove", remove.clone())
        .await
        .unwrap();
    assert_eq!(list(&mut scene.host).await["selectedKey"], json!(null));
    let read = scene.host.request("account/read", json!({})).await.unwrap();
    assert_eq!(read["account"], json!(null));
    let refused = scene
        .host
        .request("account/rateLimits/read", json!({}))
        .await;
    assert_eq!(refused.unwrap_err().kind(), "authRequired");
    let refused = scene
        .host
        .request("account/remove", remove)
        .await
        .unwrap_err();
    assert_eq!((refused.code, refused.kind()), (-32600, "unknownAccount"));

    let ada = key(&mut scene.host, "ada").await;
    let select = json!({"accountKey": ada});
    scene.host.request("account/select", select).await.unwrap();
    assert_eq!(scene.bearer_of(json!({})).await, token("ada", 1));
}

#[tokio::test]
async fn a_logout_is_of_the_selected_account_and_of_those_of_its_connection() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let setup = Setup::default().backend(&backend);
    let listening = Listening::start(setup, "unix://").await;
    let mut one = listening.unix_stranger();
    let mut other = listening.unix_stranger();
    for host in [&mut one, &mut other] {
        host.introduce("two-hosts", json!({"multipleAccounts": true}))
            .await;
    }
    add(&mut one, "ada").await;
    add(&mut one, "bob").await;
    add(&mut other, "eve").await;
    add(&mut other, "fay").await;
    one.request("account/logout", json!({})).await.unwrap();
    assert_eq!(labels(&mut other).await, (vec!["eve".to_owned()], None));

    let eve = key(&mut other, "eve").await;
    add(&mut one, "ada").await;
    one.request("account/logout", json!({"accountKey": eve}))
        .await
        .unwrap();
    assert_eq!(
        labels(&mut other).await,
        (vec!["ada".to_owned()], Some("ada".to_owned()))
    );
    add(&mut other, "eve").await;
    one.request("account/logout", json!({"all": true}))
        .await
        .unwrap();
    assert_eq!(labels(&mut other).await, (vec![], None));
}

#[tokio::test]
async fn a_login_of_the_server_is_refused_beside_others() {
    let mut scene = Scene::with(&["ada"]).await;
    let kept = json!({"type": "apiKey", "apiKey": "sk-made-up", "keep": true});
    let refused = scene
        .host
        .request("account/login/start", kept)
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), "invalidParams");
    assert!(refused.message.contains("`keep`"), "{}", refused.message);
    assert_eq!(scene.bearer_of(json!({})).await, token("ada", 1));
}
