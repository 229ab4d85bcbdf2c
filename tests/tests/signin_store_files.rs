//! The file of a store: what is read, written and removed, and what is left unchanged.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed, and it plays other processes"
)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;

use byokey_tests::Host;
use byokey_tests::issuer::{Ask, access_token};
use byokey_tests::shared_store::SharedStore;
use rustix::fs::{AtFlags, CWD, FileType, Mode, chownat, makedev, mknodat};
use rustix::process::{Uid, geteuid};
use serde_json::{Value, json};

const OTHER_USER: u32 = 65534;

async fn account(host: &mut Host) -> Value {
    let read = host.request("account/read", json!({})).await;
    read.unwrap()["account"].take()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

/// Creates a device of the test's own, which only root can do. It has the numbers of `/dev/zero`.
fn endless_device(path: &Path) -> bool {
    let made = mknodat(
        CWD,
        path,
        FileType::CharacterDevice,
        Mode::RUSR | Mode::WUSR,
        makedev(1, 5),
    );
    if made.is_err() {
        println!("SKIPPED: a device, which only root can make");
    }
    made.is_ok()
}

fn sparse(path: &Path) {
    fs::File::create(path).unwrap().set_len(1 << 40).unwrap();
}

#[tokio::test]
async fn what_is_not_a_regular_file_never_blocks_the_server() {
    type Make = fn(&Path) -> bool;
    let makes: [(&str, Make); 4] = [
        ("a FIFO", |path| {
            fifo(path);
            true
        }),
        ("a device", endless_device),
        ("a folder", |path| {
            fs::create_dir(path).unwrap();
            true
        }),
        ("more than 1048576 bytes", |path| {
            sparse(path);
            true
        }),
    ];
    for (what, make) in makes {
        let shared = SharedStore::new().await;
        if !make(&shared.file()) {
            continue;
        }
        let (server, mut host) = shared.start().await;
        assert_eq!(account(&mut host).await, Value::Null, "{what}");
        server.log_with(what).await;
        let message = shared.refuses_logins(&mut host).await;
        assert!(message.contains(what), "{message}");
        let (code, _, output) = shared.status().await;
        assert_eq!(code, Some(2), "{output}");
        assert!(output.contains(what), "{output}");
        let refused = host.request("account/logout", json!({})).await.unwrap_err();
        assert_eq!(refused.kind(), "storeFailed");
        assert!(
            refused.message.contains("was not removed"),
            "{}",
            refused.message
        );
        assert!(fs::symlink_metadata(shared.file()).is_ok());
    }
}

#[tokio::test]
async fn a_lock_that_is_not_a_regular_file_of_ours_fails_and_never_blocks() {
    let elsewhere = tempfile::tempdir().unwrap();
    let target = elsewhere.path().join("target");
    type Make<'a> = &'a dyn Fn(&Path) -> bool;
    let makes: [(&str, Make<'_>); 4] = [
        ("a FIFO", &|path| {
            fifo(path);
            true
        }),
        ("a device", &endless_device),
        ("a folder", &|path| fs::create_dir(path).is_ok()),
        ("a link", &|path| symlink(&target, path).is_ok()),
    ];
    for (what, make) in makes {
        let shared = SharedStore::new().await;
        let lock = shared.folder.path().join("auth.lock");
        if !make(&lock) {
            continue;
        }
        let before = fs::symlink_metadata(&lock).unwrap();
        let (_server, mut host) = shared.start().await;
        let message = shared.refuses_logins(&mut host).await;
        assert!(message.contains(what), "{message}");
        let key = json!({"type": "apiKey", "apiKey": "sk-made-up"});
        let refused = host.request("account/login/start", key).await.unwrap_err();
        assert_eq!(refused.kind(), "storeFailed");
        assert!(!target.exists(), "nothing is made through a link");
        assert!(!shared.file().exists());
        let after = fs::symlink_metadata(&lock).unwrap();
        assert_eq!((before.ino(), before.mode()), (after.ino(), after.mode()));
    }
}

/// A store whose file is a link to a file elsewhere, with a login in it.
async fn linked() -> (SharedStore, tempfile::NamedTempFile) {
    let shared = SharedStore::new().await;
    let target = tempfile::NamedTempFile::new().unwrap();
    let text = SharedStore::content("rt-old").to_string();
    fs::write(target.path(), text).unwrap();
    symlink(target.path(), shared.file()).unwrap();
    (shared, target)
}

/// The links and files of another program or user, which a logout or a login must not change.
#[tokio::test]
async fn what_a_link_leads_to_is_neither_written_nor_removed() {
    let (shared, target) = linked().await;
    let text = fs::read_to_string(target.path()).unwrap();
    let (mut server, mut host) = shared.start().await;
    let refused = host.request("account/logout", json!({})).await;
    let is_link = || fs::symlink_metadata(shared.file()).is_ok_and(|it| it.is_symlink());
    assert!(is_link(), "{refused:?}");
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind(), "storeFailed");
    let output = format!("{} was not removed: it is a link", shared.file().display());
    assert!(refused.message.contains(&output), "{}", refused.message);
    assert_eq!(
        account(&mut host).await,
        Value::Null,
        "it is forgotten here"
    );
    server.kill().await;

    let (_server, mut host) = shared.start().await;
    let message = shared.refuses_logins(&mut host).await;
    assert!(message.contains("it is a link"), "{message}");
    assert!(is_link());
    assert_eq!(fs::read_to_string(target.path()).unwrap(), text);
}

#[tokio::test]
async fn what_a_link_leads_to_is_read_and_its_token_is_not_spent() {
    let (shared, _target) = linked().await;
    shared.backend.reject_bearer(access_token(90));
    let (_server, mut host) = shared.start().await;
    assert_eq!(account(&mut host).await["email"], "ada@example.com");
    // The successor could not be saved.
    let failed = host.request("account/usage/read", json!({})).await;
    assert!(shared.issuer.asked(Ask::Refresh).is_empty());
    assert_eq!(failed.unwrap_err().kind(), "storeFailed");
    let warning = host.notification("warning").await.to_string();
    assert!(warning.contains("cannot be renewed"), "{warning}");
    let (code, _, output) = shared.status().await;
    assert_eq!(code, Some(0), "{output}");
    assert!(output.contains("and it is a link"), "{output}");
}

#[tokio::test]
async fn a_file_of_another_user_is_neither_read_nor_written_nor_removed() {
    if !geteuid().is_root() {
        println!("SKIPPED: only root can make a file of another user");
        return;
    }
    let shared = SharedStore::new().await;
    shared.keep(&access_token(90), "rt-old");
    chown(shared.file(), Some(OTHER_USER), None).unwrap();
    let before = fs::read(shared.file()).unwrap();
    let (server, mut host) = shared.start().await;
    assert_eq!(account(&mut host).await, Value::Null);
    server.log_with("it belongs to another user").await;
    let (code, _, output) = shared.status().await;
    assert_eq!(code, Some(2));
    assert!(output.contains("it belongs to another user"), "{output}");
    shared.refuses_logins(&mut host).await;
    let refused = host.request("account/logout", json!({})).await.unwrap_err();
    assert!(
        refused.message.contains("was not removed"),
        "{}",
        refused.message
    );
    assert_eq!(fs::read(shared.file()).unwrap(), before);
}

/// Another user that may make links in the folder does not choose what a login or a logout changes,
/// neither with a file of ours nor with one of its own behind the link.
#[tokio::test]
async fn what_another_users_link_leads_to_is_neither_written_nor_removed() {
    if !geteuid().is_root() {
        println!("SKIPPED: only root can make a link of another user");
        return;
    }
    for is_theirs in [false, true] {
        let (shared, target) = linked().await;
        let other = Some(Uid::from_raw(OTHER_USER));
        chownat(CWD, shared.file(), other, None, AtFlags::SYMLINK_NOFOLLOW).unwrap();
        assert_eq!(
            fs::symlink_metadata(shared.file()).unwrap().uid(),
            OTHER_USER
        );
        if is_theirs {
            chown(target.path(), Some(OTHER_USER), None).unwrap();
        }
        let text = fs::read_to_string(target.path()).unwrap();
        shared.backend.reject_bearer(access_token(90));
        let (_server, mut host) = shared.start().await;
        assert_eq!(account(&mut host).await.is_null(), is_theirs);
        if !is_theirs {
            let failed = host.request("account/usage/read", json!({})).await;
            assert_eq!(failed.unwrap_err().kind(), "storeFailed");
        }
        let message = shared.refuses_logins(&mut host).await;
        assert!(message.contains("it is a link"), "{message}");
        let key = json!({"type": "apiKey", "apiKey": "sk-made-up"});
        let refused = host.request("account/login/start", key).await.unwrap_err();
        assert_eq!(refused.kind(), "storeFailed");
        let refused = host.request("account/logout", json!({})).await.unwrap_err();
        assert!(refused.message.contains("was not removed"), "{refused:?}");
        assert!(shared.issuer.asked(Ask::Refresh).is_empty());
        assert!(shared.issuer.asked(Ask::Revoke).is_empty());
        assert!(fs::symlink_metadata(shared.file()).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(target.path()).unwrap(), text);
    }
}

/// A secret mounted by an orchestrator is a link to a link to a world-readable file.
#[tokio::test]
async fn a_mounted_secret_is_read_with_a_warning() {
    let shared = SharedStore::new().await;
    let data = shared.folder.path().join("..data");
    fs::create_dir(&data).unwrap();
    fs::write(
        data.join("auth.json"),
        SharedStore::content("rt-old").to_string(),
    )
    .unwrap();
    fs::set_permissions(data.join("auth.json"), Permissions::from_mode(0o444)).unwrap();
    symlink("..data/auth.json", shared.file()).unwrap();
    let (_server, mut host) = shared.start().await;
    let warning = host.notification("warning").await;
    let message = warning["message"].as_str().unwrap_or_default();
    assert!(message.contains("other users of this machine"), "{warning}");
    assert_eq!(account(&mut host).await["email"], "ada@example.com");
    let (code, report, output) = shared.status().await;
    assert_eq!((code, &report["status"]), (Some(0), &json!("signedIn")));
    assert!(output.contains("may be able to read"), "{output}");
}

#[tokio::test]
async fn our_own_file_with_wider_modes_is_narrowed_when_it_is_written() {
    let shared = SharedStore::new().await;
    shared.keep(&access_token(90), "rt-old");
    let lock = shared.folder.path().join("auth.lock");
    fs::write(&lock, "").unwrap();
    for path in [&shared.file(), &lock] {
        fs::set_permissions(path, Permissions::from_mode(0o666)).unwrap();
    }
    shared.backend.reject_bearer(access_token(90));
    let (_server, mut host) = shared.start().await;
    let warning = host.notification("warning").await;
    assert!(warning.to_string().contains("change"), "{warning}");
    host.request("account/usage/read", json!({})).await.unwrap();
    assert_eq!(shared.kept()["tokens"]["refresh_token"], "rt-made-up-1");
    assert_eq!((mode(&shared.file()), mode(&lock)), (0o600, 0o600));
}
