//! One question with its whole answer, and logins of the server, from start to end.

use std::sync::Arc;

use byokey_protocol::account::AccountReadResult;
use byokey_protocol::error::INTERNAL_ERROR;
use byokey_protocol::item::{ThreadItem, UserInput};
use byokey_protocol::login::{LoginCancelParams, LoginStartParams, LoginStartResult};
use byokey_protocol::methods::{LoginCancel, Request, TurnInterrupt};
use byokey_protocol::open::Open;
use byokey_protocol::thread::ThreadStartParams;
use byokey_protocol::turn::{Turn, TurnInterruptParams, TurnStartParams, TurnStatus};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::ByokeyClient;
use crate::connection::Connection;
use crate::error::{ByokeyError, RequestError};
use crate::events::Event;

/// An answer.
#[derive(Clone, Debug)]
pub struct RunResult {
    /// What the model said last: the whole of its final message.
    pub text: String,
    /// The conversation, to go on with.
    pub thread_id: String,
    /// The turn as it ended.
    pub turn: Turn,
}

/// What the user of a device login needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceCode {
    /// The page to open.
    pub verification_url: String,
    /// The code to type there.
    pub user_code: String,
}

impl ByokeyClient {
    /// Asks one question and returns the whole answer. `on_delta` is called with each piece as it
    /// comes. Without a thread a new one is started. Dropping the future interrupts the turn.
    ///
    /// # Errors
    ///
    /// [`ByokeyError::TurnFailed`], and those of [`ByokeyClient::start_turn`].
    pub async fn run(
        &self,
        text: &str,
        thread_id: Option<&str>,
        mut on_delta: impl FnMut(&str) + Send,
    ) -> Result<RunResult, ByokeyError> {
        // From before the turn, so that nothing of it is missed.
        let mut events = self.events();
        let thread_id = match thread_id {
            Some(thread_id) => thread_id.to_owned(),
            None => {
                let started = self.start_thread(ThreadStartParams::default()).await?;
                started.thread.id
            }
        };
        let question = TurnStartParams {
            thread_id: thread_id.clone(),
            input: vec![UserInput::Text {
                text: text.to_owned(),
                text_elements: Vec::new(),
            }],
            ..TurnStartParams::default()
        };
        let turn = self.start_turn(question).await?.turn;
        let mut interrupt = OnDrop::<TurnInterrupt>::new(
            self,
            TurnInterruptParams {
                thread_id: thread_id.clone(),
                turn_id: turn.id.clone(),
            },
        );
        let mut answer = String::new();
        while let Some(event) = events.next().await {
            match event {
                Event::AgentMessageDelta(message) if message.turn_id == turn.id => {
                    on_delta(&message.delta);
                }
                Event::ItemCompleted(completed) if completed.turn_id == turn.id => {
                    if let Open::Known(ThreadItem::AgentMessage { text, .. }) = completed.item {
                        answer = text;
                    }
                }
                Event::TurnCompleted(ended) if ended.turn.id == turn.id => {
                    interrupt.forget();
                    return match ended.turn.status {
                        Open::Known(TurnStatus::Completed) => Ok(RunResult {
                            text: answer,
                            thread_id,
                            turn: ended.turn,
                        }),
                        _ => Err(self.turn_failed(thread_id, ended.turn)),
                    };
                }
                _ => {}
            }
        }
        interrupt.forget();
        // The events have ended, so the server is gone: a call says how.
        self.read_account().await?;
        Err(self.turn_failed(thread_id, turn))
    }

    fn turn_failed(&self, thread_id: String, turn: Turn) -> ByokeyError {
        let message = turn.error.as_ref().map_or("", |error| &error.message);
        let server_message = self.connection().shown(message);
        ByokeyError::of_turn(thread_id, turn, server_message)
    }

    /// Signs in with the browser: `open` is given the page to open. Returns the account when the
    /// user is done. Dropping the future cancels the login.
    ///
    /// # Errors
    ///
    /// [`ByokeyError::Login`] among others.
    pub async fn login_in_browser(
        &self,
        open: impl FnOnce(&str) + Send,
    ) -> Result<AccountReadResult, ByokeyError> {
        let show = |started: &LoginStartResult| {
            let LoginStartResult::Chatgpt { login_id, auth_url } = started else {
                return None;
            };
            open(auth_url);
            Some(login_id.clone())
        };
        self.wait_for_login(LoginStartParams::Chatgpt {}, show)
            .await
    }

    /// Signs in with a code that the user types on any device: `show` is given page and code.
    ///
    /// # Errors
    ///
    /// [`ByokeyError::Login`] among others.
    pub async fn login_with_device_code(
        &self,
        show: impl FnOnce(&DeviceCode) + Send,
    ) -> Result<AccountReadResult, ByokeyError> {
        let show = |started: &LoginStartResult| {
            let LoginStartResult::ChatgptDeviceCode {
                login_id,
                verification_url,
                user_code,
            } = started
            else {
                return None;
            };
            show(&DeviceCode {
                verification_url: verification_url.clone(),
                user_code: user_code.clone(),
            });
            Some(login_id.clone())
        };
        self.wait_for_login(LoginStartParams::ChatgptDeviceCode {}, show)
            .await
    }

    async fn wait_for_login(
        &self,
        params: LoginStartParams,
        show: impl FnOnce(&LoginStartResult) -> Option<String> + Send,
    ) -> Result<AccountReadResult, ByokeyError> {
        // From before the start, so that a quick end is not missed.
        let mut events = self.events();
        let started = self.login(params).await?;
        let Some(login_id) = show(&started) else {
            return Err(login_failed(None));
        };
        let cancel = LoginCancelParams {
            login_id: login_id.clone(),
        };
        let mut cancel = OnDrop::<LoginCancel>::new(self, cancel);
        while let Some(event) = events.next().await {
            if let Event::LoginCompleted(completed) = event
                && completed.login_id.as_deref() == Some(&login_id)
            {
                cancel.forget();
                if !completed.success {
                    let message = completed.error.unwrap_or_default();
                    return Err(login_failed(self.connection().shown(&message)));
                }
                break;
            }
        }
        cancel.forget();
        // Where the events ended, the server is gone: the call says how.
        self.read_account().await
    }
}

fn login_failed(server_message: Option<String>) -> ByokeyError {
    ByokeyError::Login(Box::new(RequestError {
        method: "account/login/start".to_owned(),
        code: INTERNAL_ERROR.into(),
        kind: Some("loginFailed".to_owned()),
        path: None,
        status: None,
        request_id: None,
        server_message,
    }))
}

/// Makes a call in the background when it is dropped, unless it is forgotten.
struct OnDrop<M: Request<Params: Call, Result: Answer>> {
    connection: Arc<Connection>,
    params: Option<M::Params>,
}

/// What parameters of a call in the background have to be.
trait Call: Serialize + Send + 'static {}
impl<T: Serialize + Send + 'static> Call for T {}

/// The same of its result.
trait Answer: DeserializeOwned + Send + 'static {}
impl<T: DeserializeOwned + Send + 'static> Answer for T {}

impl<M: Request<Params: Call, Result: Answer>> OnDrop<M> {
    fn new(client: &ByokeyClient, params: M::Params) -> Self {
        Self {
            connection: client.shared_connection(),
            params: Some(params),
        }
    }

    fn forget(&mut self) {
        self.params = None;
    }
}

impl<M: Request<Params: Call, Result: Answer>> Drop for OnDrop<M> {
    fn drop(&mut self) {
        let Some(params) = self.params.take() else {
            return;
        };
        // Without a runtime the connection has ended, too.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let connection = Arc::clone(&self.connection);
            runtime.spawn(async move {
                // Its outcome does not matter: the turn or login may have ended meanwhile.
                drop(connection.request::<M>(params).await);
            });
        }
    }
}
