//! Logins on another device: the device's code, the user's code, and the tokens they are exchanged
//! for.

use std::time::Duration;

use byokey_tests::issuer::Ask;
use byokey_tests::{Clocks, MadeUp, ProcessStatus, Setup, Way};
use serde_json::{Value, json};

use crate::sign_in::{Scene, Tokens};
use crate::support::assert_locked;

/// Deadline of the user.
const LIMIT: Duration = Duration::from_secs(15 * 60);

/// The secrets of one such login.
struct Codes {
    device: MadeUp,
    user: MadeUp,
    code: MadeUp,
    verifier: MadeUp,
}

impl Codes {
    fn new(label: &str) -> Self {
        let user = MadeUp::opaque("user code", "", label);
        Self {
            device: MadeUp::opaque("device code", "dev_", label),
            // At most as long as the longest accepted code.
            user: MadeUp::known("user code", user.text.get(..40).unwrap().to_owned()),
            code: MadeUp::opaque("authorization code", "ac_", label),
            verifier: MadeUp::opaque("verifier", "", label),
        }
    }

    fn all(self) -> [MadeUp; 4] {
        [self.device, self.user, self.code, self.verifier]
    }

    fn begun(&self) -> Value {
        json!({"device_auth_id": self.device.text, "user_code": self.user.text, "interval": "1"})
    }

    fn granted(&self) -> Value {
        json!({
            "authorization_code": self.code.text, "code_challenge": "of-no-use",
            "code_verifier": self.verifier.text,
        })
    }
}

/// Starts a login with these codes; they are in use.
async fn begin(scene: &mut Scene, codes: &Codes) -> Value {
    scene.issuer.next(Ask::UserCode, 200, codes.begun());
    let started = scene.begin("chatgptDeviceCode").await;
    assert_eq!(started["userCode"], codes.user.text);
    let waiting = [codes.device.clone(), codes.user.clone()];
    scene.subject.assert_all_in_use(&waiting, "waiting");
    started
}

#[tokio::test]
async fn a_login_and_its_logout() {
    for way in [Way::default(), Way::WebSocket] {
        for params in [json!({}), json!({"revoke": false})] {
            let mut scene = Scene::start(Setup::default(), way).await;
            let (codes, tokens) = (Codes::new("good"), Tokens::new("good"));
            begin(&mut scene, &codes).await;
            scene.issuer.next(Ask::DevicePoll, 200, codes.granted());
            scene.issuer.next(Ask::Code, 200, tokens.answer());
            assert!(scene.completed().await);
            let subject = &scene.subject;
            subject.assert_all_gone(&codes.all(), "signed in").await;
            subject.assert_all_in_use(&tokens.all(), "signed in");
            scene.ask().await.unwrap();
            scene
                .subject
                .assert_all_in_use(&tokens.all(), "after a call");
            let host = &mut scene.subject.host;
            host.request("account/logout", params.clone())
                .await
                .unwrap();
            if params.get("revoke").is_none() {
                scene.issuer.wait_for(Ask::Revoke, 1).await;
            }
            let subject = &scene.subject;
            subject.assert_all_gone(&tokens.all(), "signed out").await;
        }
    }
}

#[tokio::test]
async fn a_login_that_waits_is_on_locked_pages() {
    let mut scene = Scene::new().await;
    let codes = Codes::new("locked");
    let mut begun = codes.begun();
    // So nothing is being sent.
    begun["interval"] = "60".into();
    scene.issuer.next(Ask::UserCode, 200, begun);
    let started = scene.begin("chatgptDeviceCode").await;
    let waiting = [codes.device, codes.user];
    // No trace of the response with the code is left after the next one.
    scene.look_at_the_time().await;
    assert_locked(&scene.subject, &waiting, "waiting");
    let pid = scene.subject.server.pid();
    assert_eq!(ProcessStatus::of(pid).locked, 8, "waiting");
    scene.cancel(&started).await;
    assert_eq!(ProcessStatus::of(pid).locked, 0, "cancelled");
}

#[tokio::test]
async fn a_cancelled_login() {
    let mut scene = Scene::new().await;
    let codes = Codes::new("cancelled");
    // While it waits, while it polls, and while the code is exchanged.
    for asked in [None, Some(Ask::DevicePoll), Some(Ask::Code)] {
        let gate = asked.map(|ask| scene.issuer.hold(ask));
        if asked == Some(Ask::Code) {
            scene.issuer.hold(Ask::DevicePoll).add_permits(100);
        }
        let before = asked.map_or(0, |ask| scene.issuer.asked(ask).len());
        scene.issuer.next(Ask::DevicePoll, 200, codes.granted());
        let started = begin(&mut scene, &codes).await;
        if let Some(ask) = asked {
            scene.issuer.wait_for(ask, before + 1).await;
        }
        scene.cancel(&started).await;
        let secrets = Codes::new("cancelled").all();
        let subject = &scene.subject;
        subject.assert_all_gone(&secrets, "cancelled").await;
        drop(gate);
    }
}

#[tokio::test]
async fn a_login_that_runs_into_its_time_limit() {
    if Clocks::are_missing() {
        return;
    }
    // While it waits for the next poll, and while it polls.
    for is_asking in [false, true] {
        let mut scene = Scene::new().await;
        let clocks = scene.clocks();
        let codes = Codes::new("timed-out");
        // However long the searches of the memory take.
        for _ in 0..100 {
            scene.issuer.next(Ask::DevicePoll, 403, json!({}));
        }
        let gate = is_asking.then(|| scene.issuer.hold(Ask::DevicePoll));
        begin(&mut scene, &codes).await;
        if is_asking {
            scene.issuer.wait_for(Ask::DevicePoll, 1).await;
        }
        clocks.move_ahead(LIMIT);
        scene.look_at_the_time().await;
        scene.timed_out().await;
        let subject = &scene.subject;
        subject.assert_all_gone(&codes.all(), "timed out").await;
        drop(gate);
    }
}

#[tokio::test]
async fn a_login_that_another_one_replaces() {
    let mut scene = Scene::new().await;
    let (old, new) = (Codes::new("old"), Codes::new("new"));
    begin(&mut scene, &old).await;
    begin(&mut scene, &new).await;
    assert!(!scene.completed().await);
    let subject = &scene.subject;
    subject.assert_all_gone(&old.all(), "replaced").await;
    let host = MadeUp::jwt("host", 400);
    scene.subject.login(&host).await;
    let subject = &scene.subject;
    subject
        .assert_all_gone(&new.all(), "the host signs in")
        .await;
    subject.assert_in_use(&host, "the host signs in");
}

#[tokio::test]
async fn logins_that_fail() {
    let mut scene = Scene::new().await;
    let tokens = Tokens::new("refused");
    let denied = json!({"error": "access_denied"});
    let mut lacking = tokens.answer();
    lacking.as_object_mut().unwrap().remove("id_token");
    let mut no_jwt = tokens.answer();
    no_jwt["id_token"] = tokens.refresh.text.clone().into();
    let mut spread = tokens.answer();
    spread["access_token"] = json!([tokens.access.text]);
    let failures = [
        ("denied", Ask::DevicePoll, 403, denied),
        ("a broken issuer", Ask::DevicePoll, 500, tokens.answer()),
        ("refused", Ask::Code, 400, tokens.answer()),
        ("without an id token", Ask::Code, 200, lacking),
        ("an id token that is none", Ask::Code, 200, no_jwt),
        ("another type", Ask::Code, 200, spread),
        (
            "no JSON",
            Ask::Code,
            200,
            json!(format!("{} ]", tokens.answer())),
        ),
    ];
    for (what, ask, status, body) in failures {
        let codes = Codes::new(what);
        begin(&mut scene, &codes).await;
        if ask == Ask::Code {
            scene.issuer.next(Ask::DevicePoll, 200, codes.granted());
        }
        scene.issuer.next(ask, status, body);
        assert!(!scene.completed().await, "{what}");
        let secrets: Vec<_> = codes.all().into_iter().chain(tokens.all()).collect();
        scene.subject.assert_all_gone(&secrets, what).await;
    }
}

#[tokio::test]
async fn a_workspace_that_is_not_allowed() {
    let forced = "forced_chatgpt_workspace_id = \"ws-forced\"";
    let setup = Setup::default().config(forced);
    let mut scene = Scene::start(setup, Way::default()).await;
    let (codes, tokens) = (Codes::new("elsewhere"), Tokens::new("elsewhere"));
    begin(&mut scene, &codes).await;
    scene.issuer.next(Ask::DevicePoll, 200, codes.granted());
    scene.issuer.next(Ask::Code, 200, tokens.answer());
    assert!(!scene.completed().await);
    let secrets: Vec<_> = codes.all().into_iter().chain(tokens.all()).collect();
    scene.subject.assert_all_gone(&secrets, "elsewhere").await;
}
