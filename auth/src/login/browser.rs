//! A login in the browser: the user logs in at the issuer and returns with an authorization code,
//! which is exchanged for tokens.

use std::time::Duration;

use byokey_protocol::secret::Secret;
use tokio::sync::{mpsc, oneshot};

use super::attempt::LoginAttempt;
use super::authorization_server::CodeGrant;
use super::callback::{Callback, RejectReason, decide_query};
use super::failure::LoginFailure;
use super::pages::{self, Page};
use super::server::{Event, Server, while_serving};

/// How long a login in the browser waits for its user.
pub const BROWSER_DEADLINE: Duration = Duration::from_secs(10 * 60);
/// How long the browser has to fetch the success page.
const SHOW_SUCCESS: Duration = Duration::from_secs(3);

/// A redirect address that the user pasted, with the sender of the verdict.
pub(super) type Pasted = (Secret, oneshot::Sender<Result<(), RejectReason>>);

/// A login in the browser, with its open port.
pub(super) struct BrowserLogin {
    pub(super) server: Server,
    pub(super) events: mpsc::Receiver<Event>,
    pub(super) pasted: mpsc::Receiver<Pasted>,
    pub(super) verifier: Secret,
    pub(super) redirect_uri: String,
}

/// How the user returned.
enum Back {
    /// In the browser, which waits for a page.
    Browser(Callback, oneshot::Sender<Page>),
    /// By pasting the address.
    Pasted(Callback),
}

/// What happens next while the login waits.
enum Next {
    /// Something at the callback server.
    Event(Event),
    /// The user pasted an address.
    Pasted(Pasted),
}

impl BrowserLogin {
    /// Waits for the user, and logs in.
    pub(super) async fn run(mut self, attempt: &LoginAttempt) -> Result<(), LoginFailure> {
        let done = self.wait_and_sign_in(attempt).await;
        self.server.end().await;
        done
    }

    async fn wait_and_sign_in(&mut self, attempt: &LoginAttempt) -> Result<(), LoginFailure> {
        let back = tokio::select! {
            back = tokio::time::timeout(BROWSER_DEADLINE, self.back()) => {
                back.map_err(|_| LoginFailure::TimedOut)??
            }
            () = attempt.cancelled() => return Err(LoginFailure::NotCompleted),
        };
        let (callback, waiting) = match back {
            Back::Browser(callback, page) => (callback, Some(page)),
            Back::Pasted(callback) => (callback, None),
        };
        let (outcome, said) = match callback {
            Callback::Code(code) => (self.trade(code, attempt).await, None),
            Callback::NoCode => (Err(LoginFailure::NoCode), None),
            Callback::Denied { code, description } => {
                (Err(denied(&code, &description)), Some((code, description)))
            }
        };
        let Some(waiting) = waiting else {
            return outcome;
        };
        match &outcome {
            Ok(()) => {
                self.server.succeed();
                // The browser may have closed the connection.
                drop(waiting.send(pages::to_success()));
                self.show_success().await;
            }
            Err(failure) => {
                let said = said.as_ref();
                let said = said.map(|(code, description)| (code.as_str(), description.as_str()));
                drop(waiting.send(pages::failure(failure, said)));
            }
        }
        outcome
    }

    /// Waits for a callback of this login.
    async fn back(&mut self) -> Result<Back, LoginFailure> {
        loop {
            let Self {
                server,
                events,
                pasted,
                ..
            } = self;
            let next = async {
                tokio::select! {
                    Some(event) = events.recv() => Next::Event(event),
                    Some(pasted) = pasted.recv() => Next::Pasted(pasted),
                }
            };
            match while_serving(server, next).await {
                Next::Event(Event::Back(callback, page)) => {
                    return Ok(Back::Browser(callback, page));
                }
                Next::Event(Event::Cancel) => return Err(LoginFailure::CancelledByOther),
                Next::Event(Event::SuccessShown) => {}
                Next::Pasted((address, answer)) => {
                    let callback = read_pasted(&address, server.state());
                    let heard = answer.send(callback.as_ref().map(|_| ()).map_err(|no| *no));
                    if let (Ok(callback), Ok(())) = (callback, heard) {
                        return Ok(Back::Pasted(callback));
                    }
                }
            }
        }
    }

    async fn trade(&mut self, code: Secret, attempt: &LoginAttempt) -> Result<(), LoginFailure> {
        let grant = CodeGrant {
            code,
            verifier: self.verifier.duplicate(),
            redirect_uri: self.redirect_uri.clone(),
        };
        let tokens = attempt.authorization_server.exchange(&grant);
        // Both are spent from here on.
        drop(grant);
        self.verifier = Secret::from("");
        let trade = async {
            tokio::select! {
                tokens = tokens => tokens.map_err(LoginFailure::Exchange),
                () = attempt.cancelled() => Err(LoginFailure::NotCompleted),
            }
        };
        let tokens = while_serving(&mut self.server, trade).await?;
        while_serving(&mut self.server, attempt.log_in(tokens)).await
    }

    async fn show_success(&mut self) {
        let Self { server, events, .. } = self;
        let shown = async { while !matches!(events.recv().await, Some(Event::SuccessShown)) {} };
        let shown = tokio::time::timeout(SHOW_SUCCESS, shown);
        drop(while_serving(server, shown).await);
    }
}

/// Parses a pasted redirect address.
fn read_pasted(address: &Secret, state: &Secret) -> Result<Callback, RejectReason> {
    let query = address.expose().trim().split_once('?');
    let (_, query) = query.ok_or(RejectReason::StateMismatch)?;
    decide_query(query.split('#').next().unwrap_or_default(), state)
}

/// The issuer's refusal. Its description is for the user's browser only; hosts get the error code,
/// a word of the standard.
fn denied(code: &str, description: &str) -> LoginFailure {
    if code == "access_denied" && description.contains("missing_codex_entitlement") {
        return LoginFailure::NotEntitled;
    }
    let is_word = (1..=64).contains(&code.len())
        && code
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    LoginFailure::Denied(if is_word { code } else { "unknown error" }.to_owned())
}
