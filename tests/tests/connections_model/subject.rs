//! The system under test: connections in memory, over the services of the program.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use byokey_app_server::config::{Config, Environment, Overrides};
use byokey_app_server::server::connection::{self, Connection};
use byokey_app_server::server::services::Services;
use byokey_auth::{Generation, Recovered, RecoveryFailure};
use byokey_dev_backend::{TestToken, unsigned};
use byokey_protocol::initialize::HardeningReport;
use byokey_rpc::MessageHandler as _;
use serde_json::{Value, json};

use crate::operation::{
    Operation, Outcome, Place, Received, Reply, Shown, USERS, User, account_of, person_of,
};

/// A call that waits for a newer credential.
type Call = Pin<Box<dyn Future<Output = Result<Recovered, RecoveryFailure>>>>;

/// Longer than a host's timeout.
const TOO_LONG: Duration = Duration::from_secs(11);

pub(crate) struct Subject {
    services: Arc<Services>,
    connections: Vec<Option<Connection>>,
    /// Which of them can still send messages.
    open: Vec<bool>,
    /// The recipient of each refresh request, and its id.
    asked: Vec<(Place, Value)>,
    /// Waiting calls; none where they ended or were cancelled.
    calls: Vec<Option<Call>>,
    generation: Option<Generation>,
    earlier: Option<Generation>,
}

impl Subject {
    pub(crate) fn new() -> Self {
        let environment = Environment::of([("HOME", "/nonexistent")]);
        // A login without a backend of ours would open a connection to the real one.
        let settings = ["standby_connections", "workspace_routing"];
        let overrides = Overrides {
            settings: settings.map(|it| format!("byokey.{it}=false")).to_vec(),
            ..Overrides::default()
        };
        let config = Config::load(&environment, &overrides);
        Self {
            services: Services::new(config, HardeningReport::default()),
            connections: Vec::new(),
            open: Vec::new(),
            asked: Vec::new(),
            calls: Vec::new(),
            generation: None,
            earlier: None,
        }
    }

    pub(crate) async fn apply(&mut self, operation: Operation) -> Outcome {
        match operation {
            Operation::Connect => {
                let connection = connection::open(Arc::clone(&self.services));
                self.connections.push(Some(connection));
                self.open.push(true);
                self.say(self.connections.len() - 1, INITIALIZE);
            }
            Operation::LoginTokens(place, user) => self.say(place, &fixtures().logins[user]),
            Operation::LoginKey(place) => self.say(place, LOGIN_KEY),
            Operation::Logout(place) => self.say(place, LOGOUT),
            Operation::Read(place) => self.say(place, READ),
            Operation::Unauthorized => {
                if let Some(lease) = self.services.auth.lease() {
                    self.recover(lease.generation);
                }
            }
            Operation::LateUnauthorized => {
                if let Some(generation) = self.earlier {
                    self.recover(generation);
                }
            }
            Operation::Cancel(call) => self.calls[call] = None,
            Operation::Answer(number, reply) => {
                let (place, id) = &self.asked[number];
                let text = fixtures().reply(id, reply);
                self.say(*place, &text);
            }
            Operation::Timeout => tokio::time::advance(TOO_LONG).await,
            Operation::EndOfInput(place) => {
                self.open[place] = false;
                if let Some(connection) = &self.connections[place] {
                    connection.end_of_input();
                }
            }
            Operation::Disconnect(place) => {
                self.open[place] = false;
                self.connections[place] = None;
            }
        }
        // The tasks that ask, and those that they wake, run until all of them wait again.
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
        self.note_generation();
        let ended = self.ended_calls();
        let received = (0..self.connections.len()).map(|place| self.received(place));
        Outcome {
            received: received.collect(),
            ended,
        }
    }

    fn say(&mut self, place: Place, text: &str) {
        if let Some(connection) = &mut self.connections[place]
            && self.open[place]
        {
            connection.receive(text.as_bytes());
        }
    }

    fn recover(&mut self, generation: Generation) {
        let auth = Arc::clone(&self.services.auth);
        let mut call: Call = Box::pin(async move { auth.recover(generation).await });
        // Its synchronous part runs now; its end is checked below.
        let ready = poll(&mut call);
        self.calls.push(match ready {
            Some(outcome) => Some(Box::pin(std::future::ready(outcome))),
            None => Some(call),
        });
    }

    fn note_generation(&mut self) {
        let now = self.services.auth.lease().map(|lease| lease.generation);
        if now != self.generation {
            self.earlier = self.generation.or(self.earlier);
            self.generation = now;
        }
    }

    fn ended_calls(&mut self) -> Vec<(usize, Result<(), byokey_protocol::error::ErrorKind>)> {
        let mut ended = Vec::new();
        for (number, slot) in self.calls.iter_mut().enumerate() {
            if let Some(outcome) = slot.as_mut().and_then(poll) {
                *slot = None;
                ended.push((number, outcome.map(drop).map_err(|failure| failure.kind())));
            }
        }
        ended
    }

    fn received(&mut self, place: Place) -> Vec<Received> {
        let Some(connection) = &self.connections[place] else {
            return Vec::new();
        };
        let mut bytes = Vec::new();
        connection.peer().outbox.take(&mut bytes);
        let lines = bytes.split(|byte| *byte == b'\n');
        let messages = lines.filter(|line| !line.is_empty());
        messages
            .map(|line| {
                let message: Value = serde_json::from_slice(line).unwrap();
                if message["method"] == "account/chatgptAuthTokens/refresh" {
                    self.asked.push((place, message["id"].clone()));
                    return Received::Asked(self.asked.len() - 1);
                }
                understood(&message)
            })
            .collect()
    }
}

fn poll(call: &mut Call) -> Option<Result<Recovered, RecoveryFailure>> {
    match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => Some(outcome),
        Poll::Pending => None,
    }
}

const INITIALIZE: &str = r#"{"id":"initialize","method":"initialize","params":{"clientInfo":{"name":"model","version":"1"}}}"#;
const LOGIN_KEY: &str = r#"{"id":"login","method":"account/login/start","params":{"type":"apiKey","apiKey":"sk-made-up"}}"#;
const LOGOUT: &str = r#"{"id":"logout","method":"account/logout"}"#;
const READ: &str = r#"{"id":"read","method":"account/read"}"#;

fn understood(message: &Value) -> Received {
    let params = &message["params"];
    if let Some(kind) = message["error"]["data"]["kind"].as_str() {
        return Received::Refused(kind.to_owned());
    }
    match (message["method"].as_str(), message["id"].as_str()) {
        (Some("account/login/completed"), _) => Received::LoginCompleted,
        (Some("account/updated"), _) => Received::Updated(match params["authMode"].as_str() {
            None => Shown::Nobody,
            Some("apikey") => Shown::Key,
            Some(_) => Shown::Account(plan(&params["planType"])),
        }),
        (None, Some("initialize")) => Received::Introduced,
        (None, Some("login")) => Received::SignedIn,
        (None, Some("logout")) => Received::SignedOut,
        (None, Some("read")) => {
            let account = &message["result"]["account"];
            Received::Account(match account["type"].as_str() {
                None => Shown::Nobody,
                Some("apiKey") => Shown::Key,
                Some(_) => Shown::Account(plan(&account["planType"])),
            })
        }
        _ => panic!("{message}"),
    }
}

fn plan(received: &Value) -> &'static str {
    let known = (0..USERS).map(account_of);
    let mut same = known.filter(|plan| received == plan);
    same.next().unwrap()
}

/// Fake tokens and messages with them.
struct Fixtures {
    tokens: Vec<String>,
    logins: Vec<String>,
}

fn fixtures() -> &'static Fixtures {
    static FIXTURES: OnceLock<Fixtures> = OnceLock::new();
    FIXTURES.get_or_init(|| {
        let token = |user: User| {
            let plan = account_of(user);
            let token = TestToken {
                email: format!("{plan}@example.com"),
                plan: plan.to_owned(),
                account: format!("ws-{plan}"),
                ..TestToken::new(format!("user-{user}"))
            };
            let mut claims = token.claims();
            claims["https://api.openai.com/auth"]["chatgpt_user_id"] = person_of(user).into();
            unsigned(&claims, &token.label)
        };
        let tokens: Vec<_> = (0..USERS).map(token).collect();
        let logins = tokens.iter().enumerate().map(|(user, token)| {
            let params = json!({
                "type": "chatgptAuthTokens",
                "accessToken": token,
                "chatgptAccountId": format!("ws-{}", account_of(user)),
            });
            json!({"id": "login", "method": "account/login/start", "params": params}).to_string()
        });
        Fixtures {
            logins: logins.collect(),
            tokens,
        }
    })
}

impl Fixtures {
    fn reply(&self, id: &Value, reply: Reply) -> String {
        match reply {
            Reply::Tokens(user) => {
                let (token, plan) = (&self.tokens[user], account_of(user));
                format!(
                    r#"{{"id":{id},"result":{{"accessToken":"{token}","chatgptAccountId":"ws-{plan}"}}}}"#
                )
            }
            Reply::BadToken => format!(
                r#"{{"id":{id},"result":{{"accessToken":"made-up","chatgptAccountId":"ws"}}}}"#
            ),
            Reply::WrongShape => format!(r#"{{"id":{id},"result":[]}}"#),
            Reply::Error => format!(r#"{{"id":{id},"error":{{"code":1,"message":"no"}}}}"#),
        }
    }
}
