//! Tokens of every length, plain and with escapes.

use byokey_tests::fake_secrets::SHORTEST_JWT;
use byokey_tests::{MadeUp, Setup, Subject, Way};
use serde_json::json;

use crate::support::{backend, call, login_params};

const SOME: [usize; 3] = [SHORTEST_JWT, 2_003, 40_000];
const MANY: [usize; 11] = [
    SHORTEST_JWT,
    51,
    64,
    100,
    164,
    500,
    1_200,
    2_003,
    4_000,
    16_384,
    40_000,
];

#[tokio::test]
async fn tokens_of_every_length() {
    let backend = backend();
    for way in Way::ALL {
        let mut subject = Subject::start(Setup::default().backend(&backend), way).await;
        let lengths: &[usize] = if way == Way::default() { &MANY } else { &SOME };
        for length in lengths {
            let token = MadeUp::jwt("lengths", *length);
            subject.login(&token).await;
            subject.assert_in_use(&token, &format!("{length} bytes"));
            call(&mut subject, "account/rateLimits/read").await;
            subject.assert_in_use(&token, &format!("{length} bytes after a call"));
            subject.logout().await;
            subject.assert_gone(&token, "any length").await;
        }
    }
}

#[tokio::test]
async fn tokens_with_escapes() {
    for way in Way::ALL {
        let mut subject = Subject::start(Setup::default(), way).await;
        for (id, length) in [(501, SHORTEST_JWT), (502, 1_200), (503, 40_000)] {
            let token = MadeUp::jwt("escapes", length);
            let plain = json!(token.text).to_string();
            let params = login_params(&token);
            let login = json!({"id": id, "method": "account/login/start", "params": params});
            let login = login.to_string().replace(&plain, &token.escaped());
            assert!(login.contains("\\u"));
            subject.server.canaries.add(&token.text);
            subject.host.send_raw(&way.frame(&login)).await;
            subject.host.answer(id).await.unwrap();
            subject.assert_in_use(&token, "sent with escapes");
            subject.logout().await;
            subject.assert_gone(&token, "sent with escapes").await;
        }
    }
}
