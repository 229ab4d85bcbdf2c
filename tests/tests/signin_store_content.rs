//! Valid and invalid content of a store's file.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed, and it plays other programs"
)]

use std::fs;

use byokey_dev_backend::TestToken;
use byokey_tests::command::run;
use byokey_tests::issuer::{Ask, access_token};
use byokey_tests::shared_store::SharedStore;
use byokey_tests::{Home, Host};
use serde_json::{Value, json};

async fn account(host: &mut Host) -> Value {
    let read = host.request("account/read", json!({})).await;
    read.unwrap()["account"].take()
}

/// The server and `byokey status` interpret a file alike.
#[tokio::test]
async fn status_and_the_server_agree_about_any_file() {
    let full = SharedStore::content("rt-old");
    let with = |member: &str, value: Value| {
        let mut changed = full.clone();
        changed[member] = value;
        changed.to_string()
    };
    let without_mode = |key: &str| {
        let mut changed = full.clone();
        changed.as_object_mut().unwrap().remove("auth_mode");
        changed["OPENAI_API_KEY"] = key.into();
        changed.to_string()
    };
    let plain = full.to_string();
    let doubled = plain.replacen('{', r#"{"auth_mode":"apikey","#, 1);
    let in_tokens = r#""tokens":{"#;
    assert!(plain.contains(in_tokens));
    let twice = |member: &str| {
        let doubled = format!("{in_tokens}\"{member}\":\"made-up\",");
        plain.replacen(in_tokens, &doubled, 1).into_bytes()
    };
    let utf16: Vec<u8> = format!("\u{feff}{plain}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let (account_of_chatgpt, none) = (Some("chatgpt"), None);
    let cases: Vec<(&str, Vec<u8>, Option<&str>, i32)> = vec![
        ("a login", plain.clone().into_bytes(), account_of_chatgpt, 0),
        (
            "an empty key",
            without_mode("").into_bytes(),
            account_of_chatgpt,
            0,
        ),
        (
            "a blank key",
            without_mode(" \n").into_bytes(),
            account_of_chatgpt,
            0,
        ),
        (
            "a marked file",
            format!("\u{feff}{plain}").into_bytes(),
            account_of_chatgpt,
            0,
        ),
        ("UTF-16", utf16, account_of_chatgpt, 0),
        (
            "a key with white space",
            br#"{"OPENAI_API_KEY":" sk-made-up\n"}"#.to_vec(),
            Some("apiKey"),
            0,
        ),
        ("an empty file", Vec::new(), none, 1),
        ("white space", b" \r\n".to_vec(), none, 1),
        ("a mark alone", "\u{feff}".into(), none, 1),
        (
            "no tokens",
            with("tokens", Value::Null).into_bytes(),
            none,
            1,
        ),
        ("a doubled member", doubled.into_bytes(), none, 2),
        ("a doubled bearer", twice("access_token"), none, 2),
        ("a doubled id token", twice("id_token"), none, 2),
        ("a doubled account", twice("account_id"), none, 2),
        (
            "a doubled unknown member of the tokens",
            plain
                .replacen(in_tokens, r#""tokens":{"x":1,"x":1,"#, 1)
                .into_bytes(),
            none,
            2,
        ),
        (
            "a key that cannot be sent",
            "{\"OPENAI_API_KEY\":\"sk-\u{e9}\"}".into(),
            none,
            2,
        ),
        (
            "a personal token that cannot be sent",
            br#"{"personal_access_token":"made-up"}"#.to_vec(),
            none,
            2,
        ),
        (
            "another type",
            with("OPENAI_API_KEY", json!(1)).into_bytes(),
            none,
            2,
        ),
        ("not JSON", b"{".to_vec(), none, 2),
    ];
    let shared = SharedStore::new().await;
    for (what, content, expected, code) in cases {
        shared.write(&content);
        let (server, mut host) = shared.start().await;
        let account = account(&mut host).await;
        assert_eq!(
            account["type"].as_str(),
            expected,
            "{what}: {}",
            server.log()
        );
        let (ended, report, told) = shared.status().await;
        assert_eq!(ended, Some(code), "{what}: {report} {told}");
        if code == 2 {
            let warning = host.notification("warning").await;
            let message = warning["message"].as_str().unwrap_or_default();
            assert!(
                message.contains("no credential is in force after startup"),
                "{warning}"
            );
        }
        assert_eq!(
            fs::read(shared.file()).unwrap(),
            content,
            "{what}: it is unchanged"
        );
    }
}

#[tokio::test]
async fn a_file_without_a_login_takes_one() {
    for blank in ["", " \n", "\u{feff}", "{}", "\u{feff}{}"] {
        let shared = SharedStore::new().await;
        shared.write(blank.as_bytes());
        let (_server, mut host) = shared.start().await;
        let key = json!({"type": "apiKey", "apiKey": "sk-made-up"});
        host.request("account/login/start", key).await.unwrap();
        assert_eq!(shared.kept()["OPENAI_API_KEY"], "sk-made-up", "{blank:?}");
    }
}

#[tokio::test]
async fn a_store_that_cannot_take_a_login_is_found_out_before_its_user_signs_in() {
    for content in ["{", r#"{"auth_mode":"agentIdentity","agent_identity":"x"}"#] {
        let shared = SharedStore::new().await;
        shared.write(content.as_bytes());
        let (_server, mut host) = shared.start().await;
        shared.refuses_logins(&mut host).await;
        let token = json!({"type": "personalAccessToken", "accessToken": "at-made-up"});
        let refused = host
            .request("account/login/start", token)
            .await
            .unwrap_err();
        assert_eq!(refused.kind(), "storeFailed");
        assert!(shared.issuer.asked(Ask::Whoami).is_empty());
        assert_eq!(fs::read_to_string(shared.file()).unwrap(), content);
    }
}

#[tokio::test]
async fn a_place_that_cannot_be_a_folder_is_found_out_on_the_command_line_too() {
    let shared = SharedStore::new().await;
    let home = Home::new("");
    let file = shared.folder.path().join("file");
    fs::write(&file, "").unwrap();
    let in_file = file.join("byokey").display().to_string();
    let link = shared.folder.path().join("link");
    std::os::unix::fs::symlink(shared.folder.path().join("nowhere"), &link).unwrap();
    let link = link.display().to_string();
    let url = shared.issuer.url();
    // A configuration file that is a folder cannot be read; behind a dangling link there is none,
    // so the store is read.
    let unreadable = ["failed to load configuration: ", ": Not a directory"];
    let cases = [
        (&in_file, 2, &unreadable[..]),
        (&link, 1, &["could not be saved"]),
    ];
    for (folder, code, words) in cases {
        let environment = [
            ("BYOKEY_HOME", &**folder),
            ("BYOKEY_STORE", "file"),
            ("CODEX_APP_SERVER_LOGIN_ISSUER", &url),
        ];
        for arguments in [&["login", "--no-browser"][..], &["login", "--device-auth"]] {
            let ended = run(&home, arguments, &environment, "").await;
            assert_eq!(ended.code, Some(code), "{}", ended.stderr);
            for words in words {
                assert!(ended.stderr.contains(words), "{}", ended.stderr);
            }
            assert!(!ended.stderr.contains("http"), "{}", ended.stderr);
        }
    }
    assert!(shared.issuer.asked(Ask::UserCode).is_empty());
}

/// An expired login of codex that cannot be renewed here.
#[tokio::test]
async fn the_import_of_an_expired_token_is_no_success_and_replaces_nothing() {
    let shared = SharedStore::new().await;
    let home = Home::new("");
    let folder = shared.folder.path().to_str().unwrap();
    let environment = [("BYOKEY_HOME", folder), ("BYOKEY_STORE", "file")];
    run(
        &home,
        &["login", "--with-api-key"],
        &environment,
        "sk-made-up",
    )
    .await;
    let before = fs::read(shared.file()).unwrap();
    let token = TestToken {
        expires_at: 1_700_000_000,
        ..TestToken::new("ada")
    };
    let mut expired = SharedStore::content("");
    expired["tokens"]["access_token"] = token.encode().into();
    for (refresh_token, arguments) in [
        ("rt-made-up", &["import-codex"][..]),
        ("", &["import-codex", "--take-refresh-token"]),
    ] {
        expired["tokens"]["refresh_token"] = refresh_token.into();
        fs::write(home.codex_home().join("auth.json"), expired.to_string()).unwrap();
        let ended = run(&home, arguments, &environment, "").await;
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains("has expired"), "{}", ended.stderr);
        assert_eq!(fs::read(shared.file()).unwrap(), before);
    }
    let expected = "`byokey login --store file`";
    let ended = run(&home, &["import-codex"], &environment, "").await;
    assert!(ended.stderr.contains(expected), "{}", ended.stderr);
}

#[tokio::test]
async fn status_names_a_login_that_lies_in_another_store() {
    let shared = SharedStore::new().await;
    let home = Home::new("");
    let folder = shared.folder.path().to_str().unwrap();
    let environment = [("BYOKEY_HOME", folder)];
    let none = run(&home, &["status"], &environment, "").await;
    assert!(!none.stderr.contains("--store file"), "{}", none.stderr);
    shared.keep(&access_token(90), "rt-old");
    let ended = run(&home, &["status"], &environment, "").await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("--store file"), "{}", ended.stderr);
    let json = run(&home, &["status", "--json"], &environment, "").await;
    let report: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(report["otherStore"], "file");
}
