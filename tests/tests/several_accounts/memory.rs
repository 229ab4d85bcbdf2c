//! The memory of the program with three accounts: one copy of each token, none of a removed one.

use std::time::Duration;

use byokey_tests::search::searchable;
use byokey_tests::{MadeUp, Memory, Setup, Traces};
use serde_json::json;

use super::support::{Scene, list};
use byokey_dev_backend::TestToken;

/// How long after its end a secret may remain.
const SOON: Duration = Duration::from_millis(100);
/// What the program keeps of its client: without it the memory was not read properly.
const MARKER: &str = "marker-of-several-accounts";

// Row: tokens stay with their account
#[tokio::test]
async fn each_token_has_one_copy_and_a_removed_one_has_none() {
    let mut scene = Scene::named(MARKER, searchable(Setup::default())).await;
    let mut secrets = Vec::new();
    for name in ["one", "two", "three"] {
        let person = TestToken {
            account: format!("ws-{name}"),
            ..TestToken::new(name)
        };
        let secret = MadeUp::of_person("access token", &person, name);
        let params = json!({
            "type": "chatgptAuthTokens", "accessToken": secret.text,
            "chatgptAccountId": person.account, "keep": true,
        });
        scene
            .host
            .request("account/login/start", params)
            .await
            .unwrap();
        secrets.push(secret);
    }
    scene
        .host
        .request("account/rateLimits/read", json!({}))
        .await
        .unwrap();
    let list = list(&mut scene.host).await;
    let pid = scene.server.pid();
    let counts = || async {
        tokio::time::sleep(SOON).await;
        let memory = Memory::of(pid).unwrap();
        assert!(memory.holds(MARKER), "void: the marker was not found");
        secrets
            .iter()
            .map(|secret| memory.traces(secret))
            .collect::<Vec<_>>()
    };
    for traces in counts().await {
        assert_eq!(traces.full, 1, "{traces:?}");
    }
    let second = json!({"accountKey": list["accounts"][1]["accountKey"]});
    scene.host.request("account/remove", second).await.unwrap();
    let now = counts().await;
    assert_eq!((now[0].full, now[1], now[2].full), (1, Traces::NONE, 1));
    scene
        .host
        .request("account/logout", json!({"all": true}))
        .await
        .unwrap();
    assert_eq!(counts().await, [Traces::NONE; 3]);
}
