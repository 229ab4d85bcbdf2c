//! A real keyring of the desktop: the traffic on its bus is wiped, too.

use byokey_tests::issuer::{Ask, Issuer};
use byokey_tests::keyring::{self, Session};
use byokey_tests::search::searchable;
use byokey_tests::{Host, Search, Server, Setup};
use serde_json::json;

use crate::sign_in::Tokens;

/// Starts the program beside a keyring. The session is the last value, so that it is dropped first:
/// once its first process has ended, its other processes cannot be identified.
async fn start(issuer: &Issuer) -> (Server, Host, Search, Session) {
    let setup = keyring::beside(searchable(issuer.set_up(Setup::default())));
    let mut server = setup.argument("--store=keyring").start();
    let session = Session::of(&server);
    let mut host = Host::new(&mut server);
    // It is loaded before the response.
    host.request("account/read", json!({})).await.unwrap_err();
    let search = Search::begin(session.program(), &mut host).await;
    (server, host, search, session)
}

#[tokio::test]
async fn a_login_that_is_kept_renewed_and_removed() {
    if keyring::is_missing() {
        return;
    }
    let issuer = Issuer::start().await;
    let (_server, mut host, search, _session) = start(&issuer).await;
    let [first, second] = ["kept", "renewed"].map(Tokens::new);
    issuer.next(Ask::Code, 200, first.answer());
    let params = json!({"type": "chatgptDeviceCode"});
    host.request("account/login/start", params).await.unwrap();
    let completed = host.notification("account/login/completed").await;
    assert_eq!(completed["success"], true, "{completed}");
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    search.assert_all_in_use(&first.all(), "kept in the keyring");
    issuer.next(Ask::Refresh, 200, second.answer());
    let params = json!({"refreshToken": true});
    host.request("account/read", params).await.unwrap();
    assert_eq!(issuer.asked(Ask::Refresh).len(), 1);
    search
        .assert_all_gone(&first.all(), "renewed in the keyring")
        .await;
    search.assert_all_in_use(&second.all(), "renewed in the keyring");
    host.request("account/logout", json!({})).await.unwrap();
    issuer.wait_for(Ask::Revoke, 1).await;
    search
        .assert_all_gone(&second.all(), "removed from the keyring")
        .await;
}
