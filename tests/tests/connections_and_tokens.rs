//! What one connection can learn about another's tokens: a host-owned token is returned to its
//! supplier only.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use byokey_dev_backend::issuer::answers;
use byokey_dev_backend::{DevBackend, Options};
use byokey_tests::issuer::person;
use byokey_tests::{Host, Listening, Setup};
use serde_json::{Value, json};

const REFRESH: &str = "account/chatgptAuthTokens/refresh";

fn token(number: u64) -> String {
    answers::access_token(&person(), number)
}

/// Returns what a connection can read of the credential in force.
async fn status(host: &mut Host) -> Value {
    let ask = json!({"includeToken": true});
    host.request("getAuthStatus", ask).await.unwrap()
}

fn status_with(token: Option<&str>) -> Value {
    json!({
        "authMethod": "chatgptAuthTokens", "authToken": token, "requiresOpenaiAuth": true,
    })
}

#[tokio::test]
async fn a_host_owned_token_is_its_suppliers() {
    let backend = DevBackend::start(Options::new()).unwrap();
    let listening = Listening::start(Setup::default().backend(&backend), "unix://").await;
    let mut supplier = listening.unix_host().await;
    let mut other = listening.unix_host().await;
    supplier.login(&token(1), &person().account).await;
    assert_eq!(status(&mut supplier).await, status_with(Some(&token(1))));
    assert_eq!(status(&mut other).await, status_with(None));

    // The connection that answers a refresh becomes the supplier of the new tokens.
    backend.reject_bearer(token(1));
    let call = other.start("account/rateLimits/read", json!({})).await;
    supplier.asked(REFRESH).await;
    drop(supplier);
    let (id, _) = other.asked(REFRESH).await;
    let answer = json!({"accessToken": token(2), "chatgptAccountId": person().account});
    other.respond(&id, answer).await;
    other.answer(call).await.unwrap();
    assert_eq!(status(&mut other).await, status_with(Some(&token(2))));
    let mut newcomer = listening.unix_host().await;
    assert_eq!(status(&mut newcomer).await, status_with(None));
}
