//! An issuer, a program that uses it, and their secrets.

use byokey_dev_backend::{DevBackend, Options};
use byokey_tests::issuer::{Ask, Issuer, person};
use byokey_tests::{Clocks, MadeUp, Setup, Subject, Way};
use serde_json::{Value, json};

/// A program, its issuer and its backend.
pub(crate) struct Scene {
    pub(crate) issuer: Issuer,
    pub(crate) backend: DevBackend,
    pub(crate) subject: Subject,
}

/// The three tokens of one login.
pub(crate) struct Tokens {
    pub(crate) id: MadeUp,
    pub(crate) access: MadeUp,
    pub(crate) refresh: MadeUp,
}

impl Tokens {
    /// Returns tokens of the issuer's user.
    pub(crate) fn new(label: &str) -> Self {
        Self {
            id: MadeUp::of_person("id token", &person(), label),
            access: MadeUp::of_person("access token", &person(), label),
            refresh: MadeUp::opaque("refresh token", "rt_", label),
        }
    }

    /// Returns the issuer's response with them.
    pub(crate) fn answer(&self) -> Value {
        json!({
            "id_token": self.id.text, "access_token": self.access.text,
            "refresh_token": self.refresh.text, "token_type": "Bearer", "expires_in": 864_000,
        })
    }

    pub(crate) fn all(&self) -> [MadeUp; 3] {
        [self.id.clone(), self.access.clone(), self.refresh.clone()]
    }
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::start(Setup::default(), Way::default()).await
    }

    pub(crate) async fn start(setup: Setup, way: Way) -> Self {
        let issuer = Issuer::start().await;
        let backend = DevBackend::start(Options::new()).unwrap();
        let setup = issuer.set_up(setup.backend(&backend));
        let subject = Subject::start(setup, way).await;
        Self {
            issuer,
            backend,
            subject,
        }
    }

    /// Returns the clocks of the program.
    pub(crate) fn clocks(&self) -> Clocks {
        Clocks::of(self.subject.server.pid())
    }

    /// Starts a login of that type.
    pub(crate) async fn begin(&mut self, kind: &str) -> Value {
        let params = json!({"type": kind});
        let started = self.subject.host.request("account/login/start", params);
        started.await.unwrap()
    }

    /// Waits for the end of a login; returns whether it succeeded.
    pub(crate) async fn completed(&mut self) -> bool {
        let completed = self.subject.host.notification("account/login/completed");
        completed.await["success"] == true
    }

    pub(crate) async fn cancel(&mut self, started: &Value) {
        let id = json!({"loginId": started["loginId"]});
        let cancelled = self.subject.host.request("account/login/cancel", id).await;
        assert_eq!(cancelled.unwrap()["status"], "canceled");
        assert!(!self.completed().await);
    }

    /// Wakes the program.
    pub(crate) async fn look_at_the_time(&mut self) {
        let host = &mut self.subject.host;
        host.request("account/read", json!({})).await.unwrap();
    }

    /// Waits for the end of a login that timed out.
    pub(crate) async fn timed_out(&mut self) {
        let completed = self.subject.host.notification("account/login/completed");
        let completed = completed.await;
        assert_eq!(completed["success"], false);
        let error = completed["error"].as_str().unwrap();
        assert!(error.contains("timed out"), "{error}");
    }

    /// Logs in on another device, with these tokens.
    pub(crate) async fn sign_in(&mut self, tokens: &Tokens) {
        self.issuer.next(Ask::Code, 200, tokens.answer());
        self.begin("chatgptDeviceCode").await;
        assert!(self.completed().await);
        self.subject.host.notification("account/updated").await;
    }

    /// Reads the rate limits, which uses the access token.
    pub(crate) async fn ask(&mut self) -> Result<Value, byokey_tests::Refused> {
        let limits = "account/rateLimits/read";
        self.subject.host.request(limits, json!({})).await
    }
}
