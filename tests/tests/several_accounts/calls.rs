//! Which account a call and a thread use.

use serde_json::{Value, json};

use super::support::{Scene, key, thread, token, turn};
use byokey_dev_backend::Route;

fn last_turn(scene: &Scene) -> (String, Value) {
    let requests = scene.backend.requests_to(Route::Responses);
    let last = requests.last().unwrap();
    let body = serde_json::from_slice(&last.body).unwrap();
    (last.bearer().unwrap().to_owned(), body)
}

#[tokio::test]
async fn a_call_uses_the_account_that_it_names() {
    let mut scene = Scene::with(&["ada", "bob"]).await;
    let ada = key(&mut scene.host, "ada").await;
    let named = json!({"accountKey": ada});
    assert_eq!(scene.bearer_of(named.clone()).await, token("ada", 1));
    assert_eq!(scene.bearer_of(json!({})).await, token("bob", 1));
    let email = |read: &Value| read["account"]["email"].clone();
    let read = scene
        .host
        .request("account/read", named.clone())
        .await
        .unwrap();
    let selected = scene.host.request("account/read", json!({})).await.unwrap();
    assert_ne!(email(&read), email(&selected));

    scene.host.request("account/select", named).await.unwrap();
    assert_eq!(scene.bearer_of(json!({})).await, token("ada", 1));
    for method in [
        "account/read",
        "account/usage/read",
        "model/list",
        "thread/start",
    ] {
        let unknown = json!({"accountKey": "no such"});
        let refused = scene.host.request(method, unknown).await.unwrap_err();
        assert_eq!(
            (refused.code, refused.kind()),
            (-32600, "unknownAccount"),
            "{method}"
        );
    }
}

// Row: tokens stay with their account
#[tokio::test]
async fn a_thread_stays_with_the_account_that_it_began_with() {
    let mut scene = Scene::with(&["ada", "bob"]).await;
    let ada = key(&mut scene.host, "ada").await;
    let of_ada = thread(&mut scene.host, json!({"accountKey": ada})).await;
    let of_bob = thread(&mut scene.host, json!({})).await;
    turn(&mut scene.host, &of_ada).await;
    assert_eq!(last_turn(&scene).0, token("ada", 1));
    // A selection without a thread concerns later threads alone.
    scene
        .host
        .request("account/select", json!({"accountKey": ada}))
        .await
        .unwrap();
    turn(&mut scene.host, &of_bob).await;
    assert_eq!(last_turn(&scene).0, token("bob", 1));
    let later = thread(&mut scene.host, json!({})).await;
    turn(&mut scene.host, &later).await;
    assert_eq!(last_turn(&scene).0, token("ada", 1));

    // Without its account it goes nowhere, although the same connection brought the other one.
    let bob = key(&mut scene.host, "bob").await;
    scene
        .host
        .request("account/remove", json!({"accountKey": bob}))
        .await
        .unwrap();
    let params = json!({"threadId": of_bob, "input": [{"type": "text", "text": "Hello"}]});
    let refused = scene.host.request("turn/start", params).await.unwrap_err();
    assert_eq!(refused.kind(), "accountChanged");
    // Where the host says so by name, it goes on.
    let moved = json!({"accountKey": ada, "threadId": of_bob});
    scene.host.request("account/select", moved).await.unwrap();
    turn(&mut scene.host, &of_bob).await;
    assert_eq!(last_turn(&scene).0, token("ada", 1));
}

#[tokio::test]
async fn a_turn_in_progress_ends_under_its_own_account() {
    let mut scene = Scene::with(&["ada", "bob"]).await;
    let ada = key(&mut scene.host, "ada").await;
    let thread = thread(&mut scene.host, json!({})).await;
    let gate = scene.backend.hold(Route::Responses);
    let params = json!({"threadId": thread, "input": [{"type": "text", "text": "Hello"}]});
    scene.host.request("turn/start", params).await.unwrap();
    gate.wait_for(1).await;
    let moved = json!({"accountKey": ada, "threadId": thread});
    scene.host.request("account/select", moved).await.unwrap();
    gate.release();
    let completed = scene.host.notification("turn/completed").await;
    assert_eq!(completed["turn"]["status"], "completed", "{completed}");
    assert_eq!(last_turn(&scene).0, token("bob", 1));
    turn(&mut scene.host, &thread).await;
    assert_eq!(last_turn(&scene).0, token("ada", 1));
}

/// Only the account that reasoning came from can read it.
#[tokio::test]
async fn a_thread_that_is_moved_loses_its_encrypted_reasoning() {
    let mut scene = Scene::with(&["ada", "bob"]).await;
    let ada = key(&mut scene.host, "ada").await;
    let reasoning = json!({
        "type": "reasoning", "id": "rs_made_up", "summary": [],
        "encrypted_content": "made-up-reasoning",
    });
    let message = json!({
        "type": "message", "role": "assistant", "id": "msg_made_up",
        "content": [{"type": "output_text", "text": "Hello"}],
    });
    let done = |item: &Value| json!({"type": "response.output_item.done", "item": item});
    let completed = json!({"type": "response.completed", "response": {"id": "resp_1"}});
    let events = json!([done(&reasoning), done(&message), completed]);
    let script = json!({"routes": {"responses": [{"events": events, "repeat": 3}]}});
    let script = byokey_dev_backend::Script::from_value(script).unwrap();
    scene.backend.set_script(script);
    let thread = thread(&mut scene.host, json!({})).await;
    let has_reasoning =
        |scene: &Scene| last_turn(scene).1.to_string().contains("made-up-reasoning");
    turn(&mut scene.host, &thread).await;
    turn(&mut scene.host, &thread).await;
    assert!(has_reasoning(&scene));
    let moved = json!({"accountKey": ada, "threadId": thread});
    scene.host.request("account/select", moved).await.unwrap();
    turn(&mut scene.host, &thread).await;
    assert_eq!(last_turn(&scene).0, token("ada", 1));
    assert!(!has_reasoning(&scene));
}

// Row: tokens stay with their account
#[tokio::test]
async fn a_list_of_models_is_that_of_the_account_that_was_asked_for() {
    let mut scene = Scene::with(&["ada", "bob"]).await;
    let ada = key(&mut scene.host, "ada").await;
    let bearers = |scene: &Scene| -> Vec<String> {
        let requests = scene.backend.requests_to(Route::Models);
        let bearers = requests.iter().map(|it| it.bearer().unwrap().to_owned());
        bearers.collect()
    };
    let of_ada = json!({"accountKey": ada});
    for params in [json!({}), of_ada.clone(), of_ada, json!({})] {
        scene.host.request("model/list", params).await.unwrap();
    }
    // Of each account in turn; the second list of ada is still known.
    let expected = ["bob", "ada", "bob"].map(|it| token(it, 1));
    assert_eq!(bearers(&scene), expected);
}

#[tokio::test]
async fn a_logout_of_one_and_of_all_is_none() {
    let mut scene = Scene::with(&["ada"]).await;
    let ada = key(&mut scene.host, "ada").await;
    let both = json!({"accountKey": ada, "all": true});
    let refused = scene.host.request("account/logout", both).await;
    assert_eq!(refused.unwrap_err().kind(), "invalidParams");
    assert_eq!(scene.bearer_of(json!({})).await, token("ada", 1));
}
