//! Stored logins: the buffers for reading and writing them.

use std::path::PathBuf;

use byokey_tests::issuer::Ask;
use byokey_tests::{MadeUp, Setup, Way};
use serde_json::{Value, json};

use crate::sign_in::{Scene, Tokens};

/// A folder for `auth.json`.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("auth.json")
    }

    fn lock(&self) -> PathBuf {
        self.0.path().join("auth.lock")
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.file()).unwrap()
    }

    fn write(&self, content: &Value) {
        #[expect(clippy::disallowed_methods, reason = "the test plays another process")]
        std::fs::write(self.file(), content.to_string()).unwrap();
    }

    fn keep(&self, tokens: &Tokens) {
        self.write(&json!({
            "auth_mode": "chatgpt", "OPENAI_API_KEY": null,
            "tokens": {
                "id_token": tokens.id.text, "access_token": tokens.access.text,
                "refresh_token": tokens.refresh.text, "account_id": "account-ada",
            },
            "last_refresh": "2026-02-01T12:00:00Z",
        }));
    }

    fn setup(&self) -> Setup {
        Setup::default()
            .argument("--store=file")
            .environment("BYOKEY_HOME", self.0.path().to_str().unwrap())
    }

    async fn start(&self) -> Scene {
        Scene::start(self.setup(), Way::default()).await
    }
}

#[tokio::test]
async fn a_login_that_is_kept_renewed_and_removed() {
    let folder = Folder::new();
    let mut scene = folder.start().await;
    let (first, second) = (Tokens::new("kept"), Tokens::new("renewed"));
    scene.sign_in(&first).await;
    assert!(folder.text().contains(&first.refresh.text));
    scene.subject.assert_all_in_use(&first.all(), "kept");
    scene.backend.reject_bearer(&first.access.text);
    scene.issuer.next(Ask::Refresh, 200, second.answer());
    scene.ask().await.unwrap();
    assert!(folder.text().contains(&second.refresh.text));
    scene.subject.assert_all_gone(&first.all(), "renewed").await;
    scene.subject.assert_all_in_use(&second.all(), "renewed");
    scene.subject.logout().await;
    scene.issuer.wait_for(Ask::Revoke, 1).await;
    assert!(!folder.file().exists());
    scene
        .subject
        .assert_all_gone(&second.all(), "removed")
        .await;
}

#[tokio::test]
async fn a_login_of_another_process() {
    let folder = Folder::new();
    let [first, second, third] = ["first", "second", "third"].map(Tokens::new);
    folder.keep(&first);
    let mut scene = folder.start().await;
    scene.subject.assert_all_in_use(&first.all(), "taken up");
    // Another process has renewed it.
    scene.backend.reject_bearer(&first.access.text);
    folder.keep(&second);
    scene.ask().await.unwrap();
    assert!(scene.issuer.asked(Ask::Refresh).is_empty());
    scene.subject.assert_all_gone(&first.all(), "adopted").await;
    scene.subject.assert_all_in_use(&second.all(), "adopted");
    // And has logged in another user.
    let other = byokey_dev_backend::TestToken::new("eve");
    let mut foreign = third;
    foreign.id = MadeUp::of_person("id token", &other, "foreign");
    foreign.access = MadeUp::of_person("access token", &other, "foreign");
    folder.write(&json!({
        "auth_mode": "chatgpt",
        "tokens": {
            "id_token": foreign.id.text, "access_token": foreign.access.text,
            "refresh_token": foreign.refresh.text, "account_id": "account-eve",
        },
    }));
    scene.backend.reject_bearer(&second.access.text);
    scene.ask().await.unwrap_err();
    scene
        .subject
        .assert_all_gone(&foreign.all(), "somebody else")
        .await;
}

#[tokio::test]
async fn keys_and_personal_tokens_that_are_kept() {
    for (kind, member, secret) in [
        ("apiKey", "apiKey", MadeUp::api_key("kept", 164)),
        (
            "personalAccessToken",
            "accessToken",
            MadeUp::opaque("personal access token", "at-", "kept"),
        ),
    ] {
        let folder = Folder::new();
        let mut scene = folder.start().await;
        let mut params = json!({"type": kind});
        params[member] = secret.text.clone().into();
        let host = &mut scene.subject.host;
        host.request("account/login/start", params).await.unwrap();
        assert!(folder.text().contains(&secret.text));
        scene.subject.assert_in_use(&secret, "kept");
        drop(scene);
        let mut scene = folder.start().await;
        scene.subject.assert_in_use(&secret, "taken up");
        let host = &mut scene.subject.host;
        host.request("model/list", json!({})).await.unwrap();
        scene.subject.assert_in_use(&secret, "after a call");
        scene.subject.logout().await;
        scene.subject.assert_gone(&secret, "removed").await;
    }
}

#[tokio::test]
async fn stores_that_fail() {
    // A store that cannot be written.
    let folder = Folder::new();
    std::fs::create_dir(folder.lock()).unwrap();
    let mut scene = folder.start().await;
    let key = MadeUp::api_key("not-kept", 164);
    let params = json!({"type": "apiKey", "apiKey": key.text});
    let host = &mut scene.subject.host;
    let refused = host.request("account/login/start", params).await;
    assert_eq!(refused.unwrap_err().kind(), "storeFailed");
    scene.subject.assert_gone(&key, "not kept").await;
    let params = json!({"type": "chatgptDeviceCode"});
    let host = &mut scene.subject.host;
    let refused = host.request("account/login/start", params).await;
    assert_eq!(refused.unwrap_err().kind(), "storeFailed");
    assert!(scene.issuer.asked(Ask::UserCode).is_empty());
    // A store that can no longer be written when the tokens arrive.
    std::fs::remove_dir(folder.lock()).unwrap();
    let tokens = Tokens::new("not-kept");
    scene.issuer.next(Ask::Code, 200, tokens.answer());
    let gate = scene.issuer.hold(Ask::Code);
    scene.begin("chatgptDeviceCode").await;
    scene.issuer.wait_for(Ask::Code, 1).await;
    // The login may have created a file in its place.
    drop(std::fs::remove_file(folder.lock()));
    std::fs::create_dir(folder.lock()).unwrap();
    gate.add_permits(1);
    assert!(!scene.completed().await);
    assert!(!folder.file().exists());
    scene
        .subject
        .assert_all_gone(&tokens.all(), "not kept")
        .await;
    // Invalid content.
    let secret = MadeUp::api_key("misplaced", 400);
    for content in [
        json!([secret.text]),
        json!({"auth_mode": "agentIdentity", "agent_identity": secret.text}),
        json!({"auth_mode": "chatgpt", "tokens": {"access_token": secret.text}}),
        json!({"auth_mode": secret.text}),
    ] {
        let folder = Folder::new();
        folder.write(&content);
        let scene = folder.start().await;
        scene.subject.server.canaries.add(&secret.text);
        scene.subject.assert_gone(&secret, "not understood").await;
    }
}
