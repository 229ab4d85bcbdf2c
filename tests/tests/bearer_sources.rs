//! Every way in for a bearer. White space around it goes; quotes and a scheme are refused in words
//! that say so, and nothing is sent.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use byokey_dev_backend::{DevBackend, Route, TestToken};
use byokey_tests::command::{auth_json, run};
use byokey_tests::issuer::{Ask, Issuer, access_token, person};
use byokey_tests::shared_store::SharedStore;
use byokey_tests::turns::{MODEL, backend};
use byokey_tests::{Home, Host, Server, Setup};
use serde_json::{Value, json};

const START: &str = "account/login/start";
const KEY: &str = "MADE_UP_KEY";

/// Where a bearer is from.
#[derive(Clone, Copy, Debug)]
enum Source {
    EnvKey,
    ConfiguredToken,
    TokenCommand,
    Environment,
    KeyOnStdin,
    TokenOnStdin,
    LoginTokens,
    LoginKey,
    LoginPersonal,
    LoginBearer,
    HostsTokens,
    HostsBearer,
    IssuersRenewal,
    IssuersCode,
    StoredKey,
    StoredTokens,
    StoredPersonal,
}

const SOURCES: [Source; 17] = [
    Source::EnvKey,
    Source::ConfiguredToken,
    Source::TokenCommand,
    Source::Environment,
    Source::KeyOnStdin,
    Source::TokenOnStdin,
    Source::LoginTokens,
    Source::LoginKey,
    Source::LoginPersonal,
    Source::LoginBearer,
    Source::HostsTokens,
    Source::HostsBearer,
    Source::IssuersRenewal,
    Source::IssuersCode,
    Source::StoredKey,
    Source::StoredTokens,
    Source::StoredPersonal,
];

/// What became of a bearer.
#[derive(Debug, Default)]
struct Outcome {
    /// How it was sent or stored, if it was.
    used: Option<String>,
    /// What the user reads where it was not.
    words: String,
}

impl Source {
    /// Returns a token of its kind.
    fn token(self) -> String {
        match self {
            Self::Environment | Self::TokenOnStdin | Self::LoginPersonal | Self::StoredPersonal => {
                "at-made-up-token".to_owned()
            }
            Self::KeyOnStdin | Self::LoginKey | Self::StoredKey => "sk-made-up-token".to_owned(),
            Self::LoginTokens
            | Self::HostsTokens
            | Self::IssuersRenewal
            | Self::IssuersCode
            | Self::StoredTokens => access_token(7),
            _ => "made-up-token".to_owned(),
        }
    }

    /// Hands this text over as the bearer, and uses it.
    async fn hand_over(self, given: &str) -> Outcome {
        match self {
            Self::EnvKey => {
                let key = format!("env_key = \"{KEY}\"");
                of_provider(&key, Setup::default().environment(KEY, given)).await
            }
            Self::ConfiguredToken => {
                let key = format!("experimental_bearer_token = {}", json!(given));
                of_provider(&key, Setup::default()).await
            }
            Self::TokenCommand => {
                let args = json!(["%s", given]);
                let key = format!("auth = {{ command = \"printf\", args = {args} }}");
                let path = Setup::default().environment("PATH", "/usr/bin:/bin");
                of_provider(&key, path).await
            }
            Self::Environment => of_environment(given).await,
            Self::KeyOnStdin => on_stdin("--with-api-key", "OPENAI_API_KEY", given).await,
            Self::TokenOnStdin => {
                on_stdin("--with-access-token", "personal_access_token", given).await
            }
            Self::LoginTokens | Self::LoginKey | Self::LoginPersonal | Self::LoginBearer => {
                self.of_login(given).await
            }
            Self::HostsTokens | Self::HostsBearer => self.of_host(given).await,
            Self::IssuersRenewal => of_renewal(given).await,
            Self::IssuersCode => of_code(given).await,
            Self::StoredKey | Self::StoredTokens | Self::StoredPersonal => {
                self.of_store(given).await
            }
        }
    }

    async fn of_login(self, given: &str) -> Outcome {
        let (issuer, backend) = (Issuer::start().await, backend());
        let setup = issuer.set_up(Setup::default().backend(&backend));
        let (_server, mut host) = initialized(setup).await;
        let login = self.login(&backend, given);
        let words = match host.request(START, login).await {
            Ok(_) => turn(&mut host).await,
            Err(refused) => refused.message,
        };
        let whoami = issuer.asked(Ask::Whoami).pop();
        let used = whoami
            .and_then(|it| it.authorization)
            .map(|it| it.trim_start_matches("Bearer ").to_owned());
        let used = used.or(sent(&backend, Route::Responses));
        Outcome { used, words }
    }

    fn login(self, backend: &DevBackend, token: &str) -> Value {
        match self {
            Self::LoginKey => json!({"type": "apiKey", "apiKey": token}),
            Self::LoginPersonal => json!({"type": "personalAccessToken", "accessToken": token}),
            Self::LoginBearer | Self::HostsBearer => {
                json!({"type": "bearerToken", "token": token, "origin": backend.base_url()})
            }
            _ => {
                json!({"type": "chatgptAuthTokens", "accessToken": token, "chatgptAccountId": person().account})
            }
        }
    }

    /// The answer of a host that is asked for another one.
    async fn of_host(self, given: &str) -> Outcome {
        let backend = backend();
        let (_server, mut host) = initialized(Setup::default().backend(&backend)).await;
        let (old, method) = match self {
            Self::HostsBearer => ("made-up-old".to_owned(), "account/bearerToken/refresh"),
            _ => (access_token(1), "account/chatgptAuthTokens/refresh"),
        };
        let login = self.login(&backend, &old);
        host.request(START, login).await.unwrap();
        backend.reject_bearer(old);
        begin(&mut host).await.unwrap();
        let (id, _) = host.asked(method).await;
        let mut answer = self.login(&backend, given);
        answer.as_object_mut().unwrap().remove("type");
        host.respond(&id, answer).await;
        let words = ended(&mut host).await;
        let used = sent(&backend, Route::Responses).filter(|_| words.is_empty());
        Outcome { used, words }
    }

    async fn of_store(self, given: &str) -> Outcome {
        let shared = SharedStore::new().await;
        let mut content = SharedStore::content("rt-made-up");
        match self {
            Self::StoredKey => content = json!({"auth_mode": "apikey", "OPENAI_API_KEY": given}),
            Self::StoredPersonal => content = json!({"personal_access_token": given}),
            _ => content["tokens"]["access_token"] = given.into(),
        }
        shared.write(content.to_string().as_bytes());
        let (_server, mut host) = shared.start().await;
        let read = host.request("account/read", json!({})).await.unwrap();
        if read["account"].is_null() {
            let warning = host.notification("warning").await;
            let (_, _, told) = shared.status().await;
            let words = format!("{warning}{told}");
            return Outcome { used: None, words };
        }
        let words = turn(&mut host).await;
        let used = sent(&shared.backend, Route::Responses);
        Outcome { used, words }
    }
}

async fn initialized(setup: Setup) -> (Server, Host) {
    let mut server = setup.start();
    let host = Host::initialized(&mut server).await;
    (server, host)
}

/// Begins a turn.
async fn begin(host: &mut Host) -> Result<(), String> {
    let thread = host.request("thread/start", json!({"model": MODEL})).await;
    let thread = thread.map_err(|refused| refused.message)?["thread"]["id"].take();
    let input = json!([{"type": "text", "text": "Hello"}]);
    let params = json!({"threadId": thread, "input": input});
    let begun = host.request("turn/start", params).await;
    begun.map(|_| ()).map_err(|refused| refused.message)
}

/// Returns the words of a turn's error; none if it has none.
async fn ended(host: &mut Host) -> String {
    let turn = host.notification("turn/completed").await["turn"].take();
    let words = turn["error"]["message"].as_str();
    words.unwrap_or_default().to_owned()
}

async fn turn(host: &mut Host) -> String {
    match begin(host).await {
        Ok(()) => ended(host).await,
        Err(words) => words,
    }
}

fn sent(backend: &DevBackend, route: Route) -> Option<String> {
    let last = backend.requests_to(route).pop()?;
    Some(last.bearer()?.to_owned())
}

/// The key of a provider, which has no login beside it.
async fn of_provider(key: &str, setup: Setup) -> Outcome {
    let backend = backend();
    let url = backend.base_url();
    let setup = setup.config(&format!(
        "model_provider = \"relay\"\n[model_providers.relay]\nname = \"Relay\"\n\
         base_url = \"{url}/v1\"\nrequest_max_retries = 0\nstream_max_retries = 0\n{key}"
    ));
    let (_server, mut host) = initialized(setup).await;
    let words = turn(&mut host).await;
    let used = sent(&backend, Route::Responses);
    Outcome { used, words }
}

async fn of_environment(given: &str) -> Outcome {
    let issuer = Issuer::start().await;
    let setup = issuer.set_up(Setup::default());
    let setup = setup.environment("CODEX_ACCESS_TOKEN", given);
    let (_server, mut host) = initialized(setup).await;
    let read = host.request("account/read", json!({})).await.unwrap();
    if read["account"].is_null() {
        let words = host.notification("configWarning").await.to_string();
        return Outcome { used: None, words };
    }
    let whoami = issuer.asked(Ask::Whoami).pop().unwrap();
    let used = whoami.authorization.unwrap();
    Outcome {
        used: Some(used.trim_start_matches("Bearer ").to_owned()),
        words: String::new(),
    }
}

async fn on_stdin(option: &str, member: &str, given: &str) -> Outcome {
    let (issuer, home, folder) = (
        Issuer::start().await,
        Home::new(""),
        tempfile::tempdir().unwrap(),
    );
    let environment = [
        ("BYOKEY_HOME", folder.path().to_str().unwrap()),
        ("BYOKEY_STORE", "file"),
        ("CODEX_APP_SERVER_LOGIN_ISSUER", &issuer.url()),
    ];
    let ended = run(&home, &["login", option], &environment, given).await;
    let stored = auth_json(folder.path());
    let used = stored.map(|it| it[member].as_str().unwrap().to_owned());
    assert_eq!(used.is_some(), ended.code == Some(0), "{ended:?}");
    assert!(used.is_some() || issuer.asked(Ask::Whoami).is_empty());
    Outcome {
        used,
        words: ended.stderr,
    }
}

/// The answer of the issuer to a refresh. The text is in the log: clients get codex's.
async fn of_renewal(given: &str) -> Outcome {
    let shared = SharedStore::new().await;
    shared.keep(&access_token(90), "rt-old");
    shared.backend.reject_bearer(access_token(90));
    let (server, mut host) = shared.start().await;
    let answer = json!({"access_token": given, "refresh_token": "rt-made-up-next"});
    shared.issuer.next(Ask::Refresh, 200, answer);
    match host.request("account/usage/read", json!({})).await {
        Ok(_) => Outcome {
            used: sent(&shared.backend, Route::Profile),
            words: String::new(),
        },
        Err(refused) => {
            assert_eq!(refused.kind(), "reauthRequired", "{refused:?}");
            let log = server.log_with("the issuer's answer to a refresh").await;
            let line = log.lines().find(|line| line.contains("to a refresh"));
            Outcome {
                used: None,
                words: line.unwrap().to_owned(),
            }
        }
    }
}

/// The answer of the issuer to a code.
async fn of_code(given: &str) -> Outcome {
    let (issuer, backend) = (Issuer::start().await, backend());
    let setup = issuer.set_up(Setup::default().backend(&backend));
    let (_server, mut host) = initialized(setup).await;
    let answer = json!({
        "id_token": byokey_dev_backend::unsigned(&person().claims(), "id"),
        "access_token": given, "refresh_token": "rt-made-up-first",
    });
    issuer.next(Ask::Code, 200, answer);
    let device = json!({"type": "chatgptDeviceCode"});
    host.request(START, device).await.unwrap();
    let completed = host.notification("account/login/completed").await;
    if completed["success"] == false {
        let words = completed["error"].as_str().unwrap().to_owned();
        return Outcome { used: None, words };
    }
    let words = turn(&mut host).await;
    let used = sent(&backend, Route::Responses);
    Outcome { used, words }
}

#[tokio::test]
async fn white_space_around_a_bearer_goes_wherever_it_is_from() {
    for source in SOURCES {
        let token = source.token();
        for given in [
            format!("{token}\r\n"),
            format!("\u{feff} \t{token}\u{a0}\n"),
        ] {
            let outcome = source.hand_over(&given).await;
            assert_eq!(
                outcome.used.as_ref(),
                Some(&token),
                "{source:?} {outcome:?}"
            );
        }
    }
}

#[tokio::test]
async fn quotes_and_schemes_are_refused_in_words_wherever_they_are_from() {
    for source in SOURCES {
        let token = source.token();
        for (given, words) in [
            (format!("\"{token}\""), "in quotes"),
            (format!(" '{token}'\n"), "in quotes"),
            (format!("Bearer {token}"), "`Bearer`"),
            (format!("bearer\t{token}\n"), "`Bearer`"),
        ] {
            let outcome = source.hand_over(&given).await;
            assert_eq!(outcome.used, None, "{source:?} {outcome:?}");
            assert!(outcome.words.contains(words), "{source:?} {outcome:?}");
            assert!(!outcome.words.contains(&token), "{source:?}");
        }
    }
}

/// The scheme belongs into this header, once.
#[tokio::test]
async fn a_configured_header_has_one_scheme_and_no_quotes() {
    let header = |text: &str| format!("http_headers = {{ authorization = {} }}", json!(text));
    let named = format!("env_http_headers = {{ Authorization = \"{KEY}\" }}");
    for (value, words) in [
        ("Bearer made-up-token", None),
        (" Bearer made-up-token\r\n", None),
        ("\"Bearer made-up-token\"", Some("quotes")),
        ("Bearer \"made-up-token\"", Some("quotes")),
        ("Bearer Bearer made-up-token", Some("`Bearer` twice")),
    ] {
        let in_variable = Setup::default().environment(KEY, value);
        for (key, setup) in [
            (header(value), Setup::default()),
            (named.clone(), in_variable),
        ] {
            let outcome = of_provider(&key, setup).await;
            let expected = words.is_none().then_some("made-up-token");
            assert_eq!(outcome.used.as_deref(), expected, "{value} {outcome:?}");
            let words = words.unwrap_or_default();
            assert!(outcome.words.contains(words), "{value} {outcome:?}");
            assert!(!outcome.words.contains("made-up"), "{outcome:?}");
        }
    }
    // Other schemes and bare keys stay as they are.
    let digest = "Digest username=\"made-up\", response=\"00\"";
    for value in [digest, "Basic bWFkZTp1cA==", "made-up-key"] {
        let outcome = of_provider(&header(value), Setup::default()).await;
        assert!(!outcome.words.contains("quotes"), "{outcome:?}");
        assert!(!outcome.words.contains("configuration"), "{outcome:?}");
    }
}

/// Tokens of another account are found whatever surrounds them.
#[tokio::test]
async fn white_space_hides_no_other_account_at_a_renewal() {
    let eve = TestToken {
        account: person().account,
        expires_at: person().expires_at,
        ..TestToken::new("eve")
    };
    let of_eve = format!("{}\n", eve.encode());
    for answer in [
        json!({"access_token": of_eve, "id_token": of_eve}),
        json!({"access_token": of_eve}),
        json!({"id_token": of_eve}),
    ] {
        let shared = SharedStore::new().await;
        shared.keep(&access_token(90), "rt-old");
        shared.backend.reject_bearer(access_token(90));
        let (_server, mut host) = shared.start().await;
        let kept = shared.kept();
        shared.issuer.next(Ask::Refresh, 200, answer.clone());
        let refused = host.request("account/usage/read", json!({})).await;
        assert_eq!(refused.unwrap_err().kind(), "reauthRequired", "{answer}");
        assert_eq!(shared.kept(), kept, "{answer}");
    }
}
