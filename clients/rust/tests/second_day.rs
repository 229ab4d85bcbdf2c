//! What hosts meet on the second day: a whole answer, logins that wait, and servers that end.

mod made_up;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use byokey_client::protocol::account::Account;
use byokey_client::protocol::open::Open;
use byokey_client::{
    BearerLogin, ByokeyClient, ByokeyError, CloseAction, DeviceCode, SpawnOptions, Supervision,
    Supervisor, TokenProvider,
};
use made_up::{TOKEN, error, gone, options, run, spawn, supply};

use serde_json::json;
use tokio::sync::Notify;

const TURNS: &str = r#"
def turn(status, error=None):
    return {"id": "u", "rootTurnId": "u", "items": [], "itemsView": "full", "status": status, "error": error,
            "startedAt": None, "completedAt": None, "durationMs": None}
def delta(text):
    send(method="item/agentMessage/delta", params={"threadId": "t", "turnId": "u", "itemId": "i", "delta": text})
def item(text):
    send(method="item/completed", params={"threadId": "t", "turnId": "u", "completedAtMs": 1,
         "item": {"type": "agentMessage", "id": "i", "text": text, "phase": None, "memoryCitation": None}})
def end(status, error=None):
    send(method="turn/completed", params={"threadId": "t", "turn": turn(status, error)})
question = ask()
send(id=question["id"], result={"turn": turn("inProgress")})
"#;

const SERVER: &str = r#"
email = None
while True:
    message = ask()
    method = message["method"]
    if method == "account/login/start":
        email = message["params"]["accessToken"]
        send(id=message["id"], result={"type": "chatgptAuthTokens"})
        send(method="account/updated", params={"authMode": "chatgptAuthTokens", "planType": "pro"})
    elif method == "account/logout":
        email = None
        send(id=message["id"], result={})
    elif method == "account/read":
        account = email and {"type": "chatgpt", "email": email, "planType": "pro"}
        send(id=message["id"], result={"account": account, "requiresOpenaiAuth": True})
    elif method == "die":
        sys.exit(3)
"#;

#[test]
fn run_gives_the_pieces_and_the_whole() {
    run(async {
        let lines = [
            TURNS,
            "delta('one '); delta('two'); item('one two'); end('completed'); ask()",
        ];
        let client = spawn(&lines).await;
        let mut pieces = String::new();
        let result = client.run("Hello", Some("t"), |piece| pieces.push_str(piece));
        let result = result.await.unwrap();
        assert_eq!(
            (result.text.as_str(), pieces.as_str()),
            ("one two", "one two")
        );
        client.close().await;
    });
}

#[test]
fn a_run_that_fails_says_so_and_one_that_is_dropped_is_interrupted() {
    run(async {
        let reason = format!(
            "{{'message': 'used up until 17:00, {TOKEN}', 'codexErrorInfo': 'usageLimitExceeded', \
             'additionalDetails': None}}"
        );
        let client = spawn(&[TURNS, &format!("end('failed', {reason}); ask()")]).await;
        let failed = error(client.run("Hello", Some("t"), |_| ()).await);
        assert!(matches!(failed, ByokeyError::TurnFailed { .. }), "{failed}");
        assert_eq!(failed.kind(), Some("usageLimitExceeded"));
        assert_eq!(
            failed.to_string(),
            "the turn failed (usageLimitExceeded): used up until 17:00, [redacted]. The plan's \
             limit is reached: `readRateLimits` says when it is reset."
        );
        client.close().await;

        let client = spawn(&[TURNS, "send(method='saw', params=ask()); ask()"]).await;
        let mut events = client.events();
        let dropped = client.run("Hello", Some("t"), |_| ());
        assert!(
            tokio::time::timeout(Duration::from_millis(500), dropped)
                .await
                .is_err()
        );
        while let Some(event) = events.next().await {
            if event.method() == "saw" {
                assert_eq!(event.params()["method"], "turn/interrupt");
                break;
            }
        }
        client.close().await;
    });
}

#[test]
fn a_login_of_the_server_is_waited_for() {
    run(async {
        let login = "m = ask()\nsend(id=m['id'], result={'type': 'chatgptDeviceCode', 'loginId': 'l', \
                     'verificationUrl': 'https://v.test', 'userCode': 'AB-12'})\n\
                     send(method='account/login/completed', params={'loginId': 'l', 'success': True, 'error': None})";
        let client = spawn(&[login, SERVER]).await;
        let mut shown = None;
        let read = client
            .login_with_device_code(|code| shown = Some(code.clone()))
            .await;
        assert!(read.unwrap().account.is_none());
        let code = DeviceCode {
            verification_url: "https://v.test".to_owned(),
            user_code: "AB-12".to_owned(),
        };
        assert_eq!(shown, Some(code));
        client.close().await;

        let failing = login.replace(
            "'success': True, 'error': None",
            "'success': False, 'error': 'the code has expired'",
        );
        let client = spawn(&[&failing, SERVER]).await;
        let failed = error(client.login_with_device_code(|_| ()).await);
        assert_eq!(failed.kind(), Some("loginFailed"));
        let said = ": the code has expired. Start the login again.";
        assert!(failed.to_string().ends_with(said), "{failed}");
        client.close().await;
    });
}

#[test]
fn a_server_that_owns_the_login_needs_no_provider() {
    run(async {
        let lines = "send(id='r', method='account/chatgptAuthTokens/refresh', params={'reason': 'unauthorized'})\n\
                     send(method='saw', params=ask())\nask()";
        let program = format!("{}{lines}", made_up::BEGINNING);
        let own = SpawnOptions::server_owns_login("rust-client-tests", "1");
        let own = own.command("python3").args(["-c", program.as_str()]);
        let client = ByokeyClient::spawn(own).await.unwrap();
        let event = client.events().next().await.unwrap();
        assert_eq!(event.params()["error"]["code"], json!(-32601));
        client.close().await;
    });
}

#[test]
fn a_server_that_ends_is_started_again_and_signed_in_again() {
    run(async {
        let restarts = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&restarts);
        let supervision = Supervision::new()
            .pauses([Duration::from_millis(10)])
            .on_restart(move |restart| {
                assert!(restart.sign_in_error.is_none());
                seen.lock().unwrap().push(restart.restarts);
            });
        let supervisor = Supervisor::start(|| options(&[SERVER]), supervision)
            .await
            .unwrap();
        let mut events = supervisor.events();
        for _ in 0..2 {
            let client = supervisor.ready().await.unwrap();
            assert_eq!(events.next().await.unwrap().method(), "account/updated");
            let pid = client.pid().unwrap();
            error(client.request_value("die", json!({})).await);
            gone(pid).await;
            client.closed().await;
        }
        assert_eq!(events.next().await.unwrap().method(), "account/updated");
        while restarts.lock().unwrap().len() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(*restarts.lock().unwrap(), [1, 2]);
        let account = supervisor
            .ready()
            .await
            .unwrap()
            .read_account()
            .await
            .unwrap();
        assert!(matches!(
            account.account,
            Some(Open::Known(Account::Chatgpt { .. }))
        ));
        supervisor.sign_out().await.unwrap();
        let account = supervisor
            .ready()
            .await
            .unwrap()
            .read_account()
            .await
            .unwrap();
        assert!(account.account.is_none());
        supervisor.close().await;
        assert!(supervisor.ready().await.is_none());
    });
}

#[test]
fn on_close_decides_whether_there_is_another_start() {
    run(async {
        let supervision = Supervision::new().on_close(|end| {
            assert_eq!(end.ends_in_a_row, 1);
            CloseAction::DoNotRestart
        });
        let supervisor = Supervisor::start(|| options(&[SERVER]), supervision)
            .await
            .unwrap();
        let client = supervisor.ready().await.unwrap();
        error(client.request_value("die", json!({})).await);
        supervisor.closed().await;
        assert!(supervisor.client().is_none());
        let gone = Supervisor::start(
            || options(&[]).command("/nowhere/byokey"),
            Supervision::new(),
        );
        assert!(gone.await.is_err());
        let bearer = BearerLogin::new("https://api.example");
        let supervision = Supervision::new().bearer_login(bearer);
        let refused = Supervisor::start(|| options(&[SERVER]), supervision).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("`refresh_bearer_token`"), "{refused}");
    });
}

#[test]
fn the_account_is_kept_over_restarts() {
    run(async {
        let pauses = [Duration::from_millis(10)];
        let supervision = Supervision::new().pauses(pauses);
        let supervisor = Supervisor::start(|| options(&[SERVER]), supervision)
            .await
            .unwrap();
        let mut account = supervisor.account();
        for _ in 0..2 {
            account.wait_for(Option::is_some).await.unwrap();
            let client = supervisor.ready().await.unwrap();
            error(client.request_value("die", json!({})).await);
            client.closed().await;
        }
        supervisor.sign_out().await.unwrap();
        account.wait_for(Option::is_none).await.unwrap();
        supervisor.close().await;
        assert!(supervisor.account().borrow().is_none());
    });
}

/// Returns a provider that reports that it is asked, and waits until it may answer.
fn tokens_later() -> (Arc<Notify>, Arc<Notify>, impl TokenProvider + Clone) {
    let (asked, give) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (when_asked, may_give) = (Arc::clone(&asked), Arc::clone(&give));
    let provider = move |request| {
        let (asked, give) = (Arc::clone(&when_asked), Arc::clone(&may_give));
        async move {
            asked.notify_one();
            give.notified().await;
            supply(request).await
        }
    };
    (asked, give, provider)
}

#[test]
fn a_sign_out_wins_over_tokens_that_come_later() {
    run(async {
        let (asked, give, provider) = tokens_later();
        let options = move || {
            let program = format!("{}{SERVER}", made_up::BEGINNING);
            let options = SpawnOptions::new("rust-client-tests", "1", provider.clone());
            options.command("python3").args(["-c", program.as_str()])
        };
        let supervision = Supervision::new().sign_in(false);
        let supervisor = Supervisor::start(options, supervision).await.unwrap();
        let out = async {
            asked.notified().await;
            supervisor.sign_out().await.unwrap();
            give.notify_one();
        };
        let (signed_in, ()) = tokio::join!(supervisor.sign_in(), out);
        signed_in.unwrap();
        let client = supervisor.ready().await.unwrap();
        assert!(client.read_account().await.unwrap().account.is_none());
        supervisor.close().await;
    });
}
