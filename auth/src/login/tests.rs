//! Deadlines and polling of logins, on tokio's paused clock.

use std::collections::VecDeque;
use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use byokey_protocol::account::AccountUpdated;
use byokey_protocol::error::ErrorKind;
use byokey_protocol::login::LoginCompleted;
use byokey_protocol::secret::Secret;
use tokio::time::Instant;

use super::{
    AuthorizationServer, AuthorizeRequest, BrowserStarted, CodeGrant, DeviceCode, DevicePoll,
    DeviceStarted, LoginDependencies, LoginObserver, Logins, StartFailure,
};
use crate::fakes::{FakeIssuer, SharedStore};
use crate::testing::{NoHost, managed_tokens};
use crate::{AuthManager, Dependencies, IssuerAnswer, IssuerFailure, LoginPolicy, ManagedTokens};
use byokey_base::clock::SystemClock;

type Poll = Result<DevicePoll, IssuerFailure>;

/// Answers from a script, and records the times of polling.
#[derive(Default)]
struct ScriptedGrantor {
    polls: Mutex<VecDeque<Poll>>,
    polled: Mutex<Vec<Instant>>,
}

impl AuthorizationServer for ScriptedGrantor {
    fn authorize_url(&self, request: &AuthorizeRequest<'_>) -> Result<String, IssuerFailure> {
        Ok(format!("https://issuer.example/?{}", request.redirect_uri))
    }

    fn exchange(&self, _: &CodeGrant) -> IssuerAnswer<ManagedTokens> {
        Box::pin(ready(Ok(managed_tokens("ws-1", "u-1", "rt-1"))))
    }

    fn device_code(&self) -> IssuerAnswer<DeviceCode> {
        Box::pin(ready(Ok(DeviceCode {
            device_auth_id: Secret::from("made-up"),
            user_code: Secret::from("CODE-1"),
            verification_url: "https://issuer.example/codex/device".into(),
            interval: Duration::from_secs(7),
        })))
    }

    fn poll_device(&self, _: &DeviceCode) -> IssuerAnswer<DevicePoll> {
        self.polled.lock().unwrap().push(Instant::now());
        let next = self.polls.lock().unwrap().pop_front();
        Box::pin(ready(next.unwrap_or(Ok(DevicePoll::Pending))))
    }
}

#[derive(Default)]
struct Ear(Mutex<Vec<LoginCompleted>>, Mutex<Vec<String>>);

impl LoginObserver for Ear {
    fn login_held_up(&self, why: &str) {
        self.1.lock().unwrap().push(why.to_owned());
    }

    fn login_completed(&self, completed: LoginCompleted) {
        self.0.lock().unwrap().push(completed);
    }

    fn account_updated(&self, _: AccountUpdated) {}
}

struct Scene {
    logins: Arc<Logins>,
    auth: Arc<AuthManager>,
    authorization_server: Arc<ScriptedGrantor>,
    ear: Arc<Ear>,
}

fn scene(polls: Vec<Poll>) -> Scene {
    let dependencies = Dependencies {
        host: Arc::new(NoHost),
        issuer: Arc::new(FakeIssuer::default()),
        store: Arc::new(SharedStore::default()),
        clock: Arc::new(SystemClock),
    };
    let auth = AuthManager::new(LoginPolicy::default(), dependencies);
    let authorization_server = Arc::new(ScriptedGrantor {
        polls: Mutex::new(polls.into()),
        polled: Mutex::default(),
    });
    let ear = Arc::<Ear>::default();
    let dependencies = LoginDependencies {
        authorization_server: authorization_server.clone(),
        observer: ear.clone(),
        clock: Arc::new(SystemClock),
    };
    let logins = Logins::at_ports(Arc::clone(&auth), dependencies, &[0]);
    Scene {
        logins,
        auth,
        authorization_server,
        ear,
    }
}

impl Scene {
    async fn browser(&self) -> Result<BrowserStarted, StartFailure> {
        let arrival = self.logins.arrive(None);
        self.logins.start_browser(arrival, "test").await
    }

    async fn device(&self) -> Result<DeviceStarted, StartFailure> {
        self.logins.start_device(self.logins.arrive(None)).await
    }

    /// Returns how the login ended, and when.
    async fn end(&self) -> (Option<String>, Instant) {
        loop {
            if let Some(completed) = self.ear.0.lock().unwrap().pop() {
                return (completed.error, Instant::now());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn granted() -> Poll {
    Ok(DevicePoll::Granted(CodeGrant {
        code: Secret::from("made-up"),
        verifier: Secret::from("made-up"),
        redirect_uri: String::new(),
    }))
}

// Row: callback 10
#[tokio::test(start_paused = true)]
async fn the_user_has_ten_minutes_in_the_browser() {
    let scene = scene(Vec::new());
    let begun = Instant::now();
    let started = scene.browser().await.unwrap();
    let (error, ended) = scene.end().await;
    assert_eq!(error.as_deref(), Some("Login timed out"));
    let took = (ended - begun).as_secs();
    assert!((600..602).contains(&took), "{took}");
    let connected = tokio::net::TcpStream::connect(("127.0.0.1", started.port)).await;
    assert!(connected.is_err(), "nothing listens any more");
}

// Row: logins on another device
#[tokio::test(start_paused = true)]
async fn the_user_has_fifteen_minutes_on_the_other_device() {
    let scene = scene(Vec::new());
    let begun = Instant::now();
    scene.device().await.unwrap();
    let (error, ended) = scene.end().await;
    let text = "device auth timed out after 15 minutes";
    assert_eq!(error.as_deref(), Some(text));
    let took = (ended - begun).as_secs();
    assert!((900..902).contains(&took), "{took}");
}

// Row: logins on another device
#[tokio::test(start_paused = true)]
async fn questions_come_at_the_issuers_pace_and_slower_for_good_when_it_says_so() {
    let unreachable = || {
        Err(IssuerFailure::Unreachable {
            kind: ErrorKind::Retryable,
            text: "gone".into(),
        })
    };
    let scene = scene(vec![
        Ok(DevicePoll::Pending),
        Ok(DevicePoll::SlowDown),
        Ok(DevicePoll::Pending),
        unreachable(),
        unreachable(),
        unreachable(),
        Ok(DevicePoll::Pending),
        granted(),
    ]);
    let begun = Instant::now();
    scene.device().await.unwrap();
    let (error, _) = scene.end().await;
    assert_eq!(error, None);
    assert!(scene.auth.is_managed());
    let polled = scene.authorization_server.polled.lock().unwrap();
    let mut last = begun;
    let waits: Vec<_> = polled
        .iter()
        .map(|at| (*at - std::mem::replace(&mut last, *at)).as_secs())
        .collect();
    assert_eq!(waits, [7, 7, 12, 12, 24, 48, 60, 12]);
}

#[tokio::test(start_paused = true)]
async fn a_challenge_is_reported_once_and_the_polling_goes_on_at_its_pace() {
    let challenged = || {
        Err(IssuerFailure::Challenged {
            ray: Some("made-up-ray".to_owned()),
        })
    };
    let scene = scene(vec![challenged(), challenged(), challenged(), granted()]);
    let begun = Instant::now();
    scene.device().await.unwrap();
    scene.end().await;
    let polled = scene.authorization_server.polled.lock().unwrap().clone();
    let at: Vec<_> = polled.iter().map(|at| (*at - begun).as_secs()).collect();
    assert_eq!(at, [7, 14, 21, 28]);
    let reported = scene.ear.1.lock().unwrap().clone();
    assert_eq!(reported.len(), 1, "{reported:?}");
    assert!(reported[0].contains("network") && reported[0].contains("made-up-ray"));
}

#[tokio::test(start_paused = true)]
async fn a_second_login_takes_the_place_of_the_first() {
    let scene = scene(Vec::new());
    let first = scene.browser().await.unwrap();
    let second = scene.device().await.unwrap();
    let completed = scene.ear.0.lock().unwrap().pop().unwrap();
    assert_eq!(completed.login_id, Some(first.id.to_string()));
    let text = "Login server error: Login was not completed";
    assert_eq!(completed.error.as_deref(), Some(text));
    assert!(!scene.logins.cancel(first.id));
    assert!(scene.logins.cancel(second.id));
    let (error, _) = scene.end().await;
    assert_eq!(error.as_deref(), Some("Login was not completed"));
    assert!(!scene.logins.cancel(second.id));
}
