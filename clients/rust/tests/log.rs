//! The libraries below log their data, so they must not get a token. A test program of its own,
//! because logging in one thread is affected by others.

#![cfg(unix)]

#[expect(dead_code, reason = "other tests need the rest of it")]
mod made_up;

use std::sync::{Arc, Mutex};

use byokey_client::protocol::methods::GetAuthStatus;
use byokey_client::tokens;
use serde_json::json;

use crate::made_up::{TOKEN, run, spawn};

#[test]
fn no_token_is_in_the_log_of_the_libraries_below() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let writer = Arc::clone(&log);
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || Lines(Arc::clone(&writer)))
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        run(async {
            let client = spawn(&[
                "send(id=ask()['id'], result={'type': 'chatgptAuthTokens'})",
                "status = {'authMethod': 'apikey', 'requiresOpenaiAuth': True}",
                "send(id=99, result={})",
                &format!("send(id=ask()['id'], result=status | {{'authToken': '{TOKEN}'}})"),
                "ask()",
            ])
            .await;
            client.login(tokens(TOKEN, "ws-1")).await.unwrap();
            let params = serde_json::from_value(json!({"includeToken": true})).unwrap();
            let status = client.request::<GetAuthStatus>(params).await.unwrap();
            assert_eq!(status.auth_token.unwrap().expose(), TOKEN);
        });
    });
    let log = String::from_utf8(log.lock().unwrap().clone()).unwrap();
    assert!(log.contains("byokey_rpc"), "nothing was logged at all");
    assert!(!log.contains(TOKEN));
}

struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .map_err(|_| std::io::ErrorKind::Other)?
            .extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
