//! A store shared by several processes, with their issuer and backend.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use byokey_dev_backend::{DevBackend, Options, TestToken, unsigned};
use serde_json::{Value, json};

use crate::command::{auth_json, run};
use crate::issuer::{Ask, Issuer, access_token, person};
use crate::{Home, Host, Server, Setup};

/// A folder that several processes share as their store.
#[derive(Debug)]
pub struct SharedStore {
    /// The folder.
    pub folder: tempfile::TempDir,
    /// The issuer of the tokens.
    pub issuer: Issuer,
    /// The backend that accepts them.
    pub backend: DevBackend,
}

impl SharedStore {
    /// Returns an empty store.
    ///
    /// # Panics
    ///
    /// When the folder or the file cannot be used.
    pub async fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            issuer: Issuer::start().await,
            backend: DevBackend::start(Options::new()).unwrap(),
        }
    }

    /// Stores a login, as another process would. It was issued long ago.
    ///
    /// # Panics
    ///
    /// When the folder or the file cannot be used.
    pub fn keep(&self, access_token: &str, refresh_token: &str) {
        self.keep_for(
            &person(),
            access_token,
            refresh_token,
            "2026-02-01T12:00:00Z",
        );
    }

    /// Stores a login of this user, issued at that time.
    ///
    /// # Panics
    ///
    /// When the folder or the file cannot be used.
    pub fn keep_for(&self, owner: &TestToken, access_token: &str, refresh_token: &str, at: &str) {
        let content = json!({
            "auth_mode": "chatgpt", "OPENAI_API_KEY": null, "of-the-future": [1],
            "tokens": {
                "id_token": unsigned(&owner.claims(), "id"), "access_token": access_token,
                "refresh_token": refresh_token, "account_id": owner.account,
            },
            "last_refresh": at,
        });
        self.write(content.to_string().as_bytes());
    }

    /// Writes the file of the store, as another process would: private to its user.
    ///
    /// # Panics
    ///
    /// When the folder or the file cannot be used.
    pub fn write(&self, content: &[u8]) {
        #[expect(clippy::disallowed_methods, reason = "the test plays another process")]
        std::fs::write(self.file(), content).unwrap();
        std::fs::set_permissions(self.file(), Permissions::from_mode(0o600)).unwrap();
    }

    /// The file of the login.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("auth.json")
    }

    /// Returns the content of the file.
    ///
    /// # Panics
    ///
    /// When the folder or the file cannot be used.
    #[must_use]
    pub fn kept(&self) -> Value {
        auth_json(self.folder.path()).unwrap()
    }

    /// Starts a server with this store.
    pub async fn start(&self) -> (Server, Host) {
        self.start_with(Setup::default()).await
    }

    /// The same with a further setup: settings of the top, and variables.
    pub async fn start_with(&self, setup: Setup) -> (Server, Host) {
        let setup = setup
            .backend(&self.backend)
            .argument("--store")
            .argument("file")
            .environment("BYOKEY_HOME", self.folder.path().to_str().unwrap());
        let mut server = self.issuer.set_up(setup).start();
        let host = Host::initialized(&mut server).await;
        (server, host)
    }

    /// Returns a login of [`person`] with this refresh token, in codex's format.
    #[must_use]
    pub fn content(refresh_token: &str) -> Value {
        json!({
            "auth_mode": "chatgpt", "OPENAI_API_KEY": null,
            "tokens": {
                "id_token": unsigned(&person().claims(), "id"), "access_token": access_token(90),
                "refresh_token": refresh_token, "account_id": person().account,
            },
            "last_refresh": "2026-02-01T12:00:00Z",
        })
    }

    /// Runs `byokey status`: returns its exit code, its report, and its standard error.
    pub async fn status(&self) -> (Option<i32>, Value, String) {
        let folder = self.folder.path().display().to_string();
        let environment = [("BYOKEY_HOME", &*folder), ("BYOKEY_STORE", "file")];
        let ended = run(&Home::new(""), &["status", "--json"], &environment, "").await;
        let report = serde_json::from_str(&ended.stdout).unwrap_or_default();
        (ended.code, report, ended.stderr)
    }

    /// Starts logins, which must fail because of the store: no page is shown, no code requested.
    /// Returns the last error message.
    ///
    /// # Panics
    ///
    /// When one starts.
    pub async fn refuses_logins(&self, host: &mut Host) -> String {
        let mut message = String::new();
        for kind in ["chatgpt", "chatgptDeviceCode"] {
            let params = json!({"type": kind});
            let refused = host.request("account/login/start", params).await;
            let refused = refused.expect_err("a login began");
            assert_eq!(refused.kind(), "storeFailed", "{}", refused.message);
            message = refused.message;
        }
        assert!(self.issuer.asked(Ask::UserCode).is_empty());
        message
    }
}
