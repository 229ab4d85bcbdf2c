//! `byokey doctor`: a broken situation each, the line that names it, and the command that mends it.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed, it plays the user, and says what it skips"
)]

mod network;
mod report;
mod situations;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use byokey_dev_backend::TestToken;
use byokey_tests::command::{Ended, run};
use byokey_tests::{Home, MadeUp};
use serde_json::{Value, json};

/// A user's home, and what is run in it.
struct Person {
    home: Home,
}

/// What the program reported.
struct Report {
    ended: Ended,
    json: Value,
}

impl Person {
    fn new(config: &str) -> Self {
        Self {
            home: Home::new(config),
        }
    }

    fn path(&self) -> &Path {
        self.home.path()
    }

    /// Returns the folder of stored logins.
    fn folder(&self) -> PathBuf {
        self.path().join(".local/share/byokey")
    }

    /// Writes a file of that folder.
    fn write(&self, name: &str, content: &str) -> PathBuf {
        let file = self.folder().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, content).unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        file
    }

    /// Examines it with these arguments and variables.
    async fn doctor(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Report {
        let arguments = [&["doctor", "--json"], arguments].concat();
        let ended = run(&self.home, &arguments, environment, "").await;
        Report::of(ended)
    }
}

impl Report {
    fn of(ended: Ended) -> Self {
        let json = serde_json::from_str(&ended.stdout);
        let json = json.unwrap_or_else(|_| panic!("no JSON: {ended:?}"));
        Self { ended, json }
    }

    /// Returns the lines with that id: level, text and command of each.
    fn lines(&self, id: &str) -> Vec<(&str, &str, &str)> {
        let checks = self.json["checks"].as_array().unwrap().iter();
        checks
            .filter(|it| it["id"] == id)
            .map(|it| {
                let member = |name: &str| it[name].as_str().unwrap_or_default();
                (member("level"), member("text"), member("mend"))
            })
            .collect()
    }

    /// Checks that a line has that level and contains these parts of a text and of a command; and
    /// that the exit code fits.
    fn has(&self, id: &str, level: &str, text: &str, mend: &str) {
        let lines = self.lines(id);
        let is_it =
            |it: &&(&str, &str, &str)| it.0 == level && it.1.contains(text) && it.2.contains(mend);
        assert!(lines.iter().any(|it| is_it(&it)), "{id}: {lines:#?}");
        let has_failed = self.json["result"] == "failure";
        assert!(has_failed || level != "failure", "{}", self.json);
        assert_eq!(self.ended.code, Some(i32::from(has_failed)));
    }
}

/// Returns a login in the form of `auth.json`, issued in that year.
fn login(token: &str, refresh_token: &str, year: u16) -> String {
    json!({
        "auth_mode": "chatgpt", "OPENAI_API_KEY": null,
        "tokens": {
            "id_token": token, "access_token": token,
            "refresh_token": refresh_token, "account_id": "account-ada",
        },
        "last_refresh": format!("{year}-02-01T12:00:00Z"),
    })
    .to_string()
}

/// Returns a token of Ada that expires then, in Unix seconds.
fn token(expires_at: u64) -> String {
    let token = TestToken {
        expires_at,
        ..TestToken::new("ada")
    };
    token.encode()
}

/// Returns a key that is unlike any other text.
fn key(name: &str) -> String {
    MadeUp::api_key(name, 60).text
}
