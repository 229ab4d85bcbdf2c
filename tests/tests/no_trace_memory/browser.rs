//! Logins in the browser: the PKCE verifier, the CSRF state and the code.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use byokey_tests::issuer::Ask;
use byokey_tests::ports::LoginPorts;
use byokey_tests::{Clocks, MadeUp, Setup, Way};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

use crate::sign_in::{Scene, Tokens};
use crate::support::assert_locked;

/// Length of the program's verifiers.
const VERIFIER: usize = 86;
/// Deadline of the user.
const LIMIT: Duration = Duration::from_secs(10 * 60);
/// Longer than the test itself takes.
const SHORTLY_BEFORE: Duration = Duration::from_secs(120);

/// A pending login in the browser.
struct Login {
    started: Value,
    port: u16,
    code: MadeUp,
    state: MadeUp,
    verifier: MadeUp,
}

impl Login {
    /// Starts one, and finds its verifier in the program's memory.
    async fn begin(scene: &mut Scene, label: &str) -> Self {
        let started = scene.begin("chatgpt").await;
        let url = Url::parse(started["authUrl"].as_str().unwrap()).unwrap();
        let query = |name: &str| {
            let found = url.query_pairs().find(|(key, _)| key == name);
            found.unwrap().1.into_owned()
        };
        let redirect = Url::parse(&query("redirect_uri")).unwrap();
        let verifier = find_verifier(scene, &query("code_challenge"));
        let login = Self {
            port: redirect.port().unwrap(),
            code: MadeUp::opaque("authorization code", "ac_", label),
            state: MadeUp::known("state", query("state")),
            verifier: MadeUp::known("verifier", verifier),
            started,
        };
        let canaries = &scene.subject.server.canaries;
        canaries.add(&login.code.text);
        canaries.add(&login.verifier.text);
        let waiting = [login.state.clone(), login.verifier.clone()];
        scene.subject.assert_all_in_use(&waiting, "waiting");
        // No trace of the response with the state is left after the next one.
        scene.look_at_the_time().await;
        assert_locked(&scene.subject, &waiting, "waiting");
        login
    }

    fn secrets(&self) -> Vec<MadeUp> {
        vec![self.code.clone(), self.state.clone(), self.verifier.clone()]
    }

    fn target(&self) -> String {
        let (code, state) = (&self.code.text, &self.state.text);
        format!("/auth/callback?code={code}&state={state}")
    }

    /// Sends the callback, and returns the page.
    async fn come_back(&self, target: &str) -> String {
        let mut stream = self.knock(target).await;
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer);
        let read = tokio::time::timeout(byokey_tests::PATIENCE, read).await;
        read.expect("an answer in time").unwrap();
        answer
    }

    async fn knock(&self, target: &str) -> TcpStream {
        let port = self.port;
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let head = format!("GET {target} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }
}

/// Returns the text in the program's memory whose digest is the PKCE challenge.
fn find_verifier(scene: &Scene, challenge: &str) -> String {
    let memory = scene.subject.memory();
    let is_verifier = |text: &[u8]| URL_SAFE_NO_PAD.encode(Sha256::digest(text)) == challenge;
    let found = memory.find_word(VERIFIER, is_verifier);
    String::from_utf8(found.expect("the verifier is in memory")).unwrap()
}

#[tokio::test]
async fn a_login_and_its_logout() {
    let _ports = LoginPorts::take().await;
    for way in [Way::default(), Way::WebSocket] {
        let mut scene = Scene::start(Setup::default(), way).await;
        let login = Login::begin(&mut scene, "good").await;
        let tokens = Tokens::new("good");
        scene.issuer.next(Ask::Code, 200, tokens.answer());
        let answer = login.come_back(&login.target()).await;
        assert!(answer.contains("location: /success"), "{answer}");
        assert_eq!(
            scene.issuer.asked(Ask::Code)[0].body["code_verifier"],
            login.verifier.text
        );
        login.come_back("/success").await;
        assert!(scene.completed().await);
        let subject = &scene.subject;
        subject.assert_all_gone(&login.secrets(), "signed in").await;
        subject.assert_all_in_use(&tokens.all(), "signed in");
        scene.subject.logout().await;
        scene.issuer.wait_for(Ask::Revoke, 1).await;
        let subject = &scene.subject;
        subject.assert_all_gone(&tokens.all(), "signed out").await;
    }
}

#[tokio::test]
async fn a_pasted_address() {
    let _ports = LoginPorts::take().await;
    let mut scene = Scene::new().await;
    let login = Login::begin(&mut scene, "pasted").await;
    let other = MadeUp::opaque("authorization code", "ac_", "of-another-login");
    let paste = |code: &MadeUp, state: &str| {
        let code = &code.text;
        let url = format!("http://localhost:1455/auth/callback?code={code}&state={state}");
        json!({"loginId": login.started["loginId"], "redirectUrl": url})
    };
    let complete = "account/login/complete";
    let wrong = paste(&other, "of-another-login");
    scene
        .subject
        .host
        .request(complete, wrong)
        .await
        .unwrap_err();
    scene.subject.assert_gone(&other, "pasted in vain").await;
    let tokens = Tokens::new("pasted");
    scene.issuer.next(Ask::Code, 200, tokens.answer());
    let right = paste(&login.code, &login.state.text);
    scene.subject.host.request(complete, right).await.unwrap();
    assert!(scene.completed().await);
    let subject = &scene.subject;
    subject.assert_all_gone(&login.secrets(), "pasted").await;
    subject.assert_all_in_use(&tokens.all(), "pasted");
}

#[tokio::test]
async fn a_cancelled_login() {
    let _ports = LoginPorts::take().await;
    let mut scene = Scene::new().await;
    let login = Login::begin(&mut scene, "cancelled").await;
    scene.cancel(&login.started).await;
    let subject = &scene.subject;
    subject.assert_all_gone(&login.secrets(), "cancelled").await;
    // While the code is being exchanged, and the browser waits.
    let gate = scene.issuer.hold(Ask::Code);
    let login = Login::begin(&mut scene, "cancelled-late").await;
    let browser = login.knock(&login.target()).await;
    scene.issuer.wait_for(Ask::Code, 1).await;
    scene.cancel(&login.started).await;
    let subject = &scene.subject;
    subject
        .assert_all_gone(&login.secrets(), "cancelled late")
        .await;
    drop((gate, browser));
}

#[tokio::test]
async fn a_login_that_runs_into_its_time_limit() {
    if Clocks::are_missing() {
        return;
    }
    let _ports = LoginPorts::take().await;
    let mut scene = Scene::new().await;
    let clocks = scene.clocks();
    let login = Login::begin(&mut scene, "timed-out").await;
    clocks.move_ahead(LIMIT - SHORTLY_BEFORE);
    scene.look_at_the_time().await;
    let waiting = [login.state.clone(), login.verifier.clone()];
    scene.subject.assert_all_in_use(&waiting, "still waiting");
    clocks.move_ahead(LIMIT);
    scene.look_at_the_time().await;
    scene.timed_out().await;
    let subject = &scene.subject;
    subject.assert_all_gone(&login.secrets(), "timed out").await;
}

#[tokio::test]
async fn a_login_that_another_one_replaces() {
    let _ports = LoginPorts::take().await;
    let mut scene = Scene::new().await;
    let old = Login::begin(&mut scene, "old").await;
    let new = Login::begin(&mut scene, "new").await;
    assert!(!scene.completed().await);
    let subject = &scene.subject;
    subject.assert_all_gone(&old.secrets(), "replaced").await;
    let host = MadeUp::jwt("host", 400);
    scene.subject.login(&host).await;
    let subject = &scene.subject;
    subject
        .assert_all_gone(&new.secrets(), "the host signs in")
        .await;
}

#[tokio::test]
async fn requests_that_mean_nothing() {
    let _ports = LoginPorts::take().await;
    let mut scene = Scene::new().await;
    let login = Login::begin(&mut scene, "nothing").await;
    let code = &login.code.text;
    for target in [
        format!("/auth/callback?code={code}"),
        format!("/auth/callback?code={code}&state=wrong"),
        format!("{}&code={code}", login.target()),
        format!("/elsewhere?code={code}"),
    ] {
        login.come_back(&target).await;
        let subject = &scene.subject;
        subject.assert_gone(&login.code, "for nothing").await;
    }
    // A request that never ends leaves no trace after its connection.
    let open = login
        .knock(&format!("/auth/callback?code={code} HTTP/1.1\r\nx:"))
        .await;
    drop(open);
    scene
        .subject
        .assert_gone(&login.code, "half a request")
        .await;
}

#[tokio::test]
async fn exchanges_that_fail() {
    let _ports = LoginPorts::take().await;
    let mut scene = Scene::new().await;
    let tokens = Tokens::new("refused");
    let mut lacking = tokens.answer();
    lacking.as_object_mut().unwrap().remove("access_token");
    for (what, status, body) in [
        ("refused", 400, tokens.answer()),
        ("without an access token", 200, lacking),
    ] {
        let login = Login::begin(&mut scene, what).await;
        scene.issuer.next(Ask::Code, status, body);
        login.come_back(&login.target()).await;
        assert!(!scene.completed().await);
        let secrets: Vec<_> = login.secrets().into_iter().chain(tokens.all()).collect();
        scene.subject.assert_all_gone(&secrets, what).await;
    }
    let login = Login::begin(&mut scene, "denied").await;
    let state = &login.state.text;
    let said = &login.code.text;
    let target =
        format!("/auth/callback?error=access_denied&error_description={said}&state={state}");
    login.come_back(&target).await;
    assert!(!scene.completed().await);
    scene
        .subject
        .assert_all_gone(&login.secrets(), "denied")
        .await;
}
