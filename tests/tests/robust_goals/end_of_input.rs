//! T5: a hundred requests and the end of input in one write.

use byokey_dev_backend::{DevBackend, Options, TestToken};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::quiet_setup;

// Row: end of input, calls in flight
#[tokio::test]
async fn t5_a_hundred_requests_before_the_end_of_input_get_a_hundred_answers() {
    for method in ["account/read", "account/rateLimits/read", "no/such/method"] {
        let backend = DevBackend::start(Options::new()).unwrap();
        let mut server = quiet_setup().backend(&backend).start();
        let (mut input, mut output) = server.pipes();
        let client = json!({"name": "test-host", "version": "1.0"});
        let token = TestToken::new("ada").encode();
        let login =
            json!({"type": "chatgptAuthTokens", "accessToken": token, "chatgptAccountId": "ws-1"});
        let mut text = format!(
            "{}\n{}\n",
            json!({"id": "a", "method": "initialize", "params": {"clientInfo": client}}),
            json!({"id": "b", "method": "account/login/start", "params": login}),
        );
        for id in 0..100 {
            text += &format!("{{\"id\":{id},\"method\":\"{method}\"}}\n");
        }
        input.write_all(text.as_bytes()).await.unwrap();
        drop(input);
        let mut said = String::new();
        output.read_to_string(&mut said).await.unwrap();
        let messages = said
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut ids: Vec<_> = messages
            .filter_map(|message| message["id"].as_i64())
            .collect();
        ids.sort_unstable();
        assert_eq!(ids, (0..100).collect::<Vec<_>>(), "{method}");
        assert_eq!(server.exit_code().await, Some(0));
        println!("T5: 100 x {method} and the end of input: 100 answers");
    }
}
