//! The client at work, as a host uses it.

use std::sync::{Arc, Mutex, PoisonError};

use codex_app_server_sdk::requests::{
    ClientInfo, GetAccountParams, InitializeParams, LoginAccountParams,
};
use codex_app_server_sdk::server_requests::ChatgptAuthTokensRefreshResponse;
use codex_app_server_sdk::{
    CodexClient, ServerEvent, ServerNotification, StdioConfig, Thread, ThreadOptions,
};
use serde_json::{Map, Value, json};
use tokio::sync::broadcast::Receiver;

use crate::story::{Outcome, check, variable};

/// A host that has started byokey.
pub struct Host {
    client: CodexClient,
    /// Two receivers that each get every event: one is read for the account, one for the turns.
    account_events: Receiver<ServerEvent>,
    turn_events: Receiver<ServerEvent>,
    refreshes: Arc<Mutex<Vec<Value>>>,
}

impl Host {
    pub async fn start() -> Outcome<Self> {
        let config = StdioConfig {
            codex_binary: variable("BYOKEY_BIN")?,
            ..StdioConfig::default()
        };
        let client = CodexClient::spawn_stdio(config).await?;
        let refreshes = answer_refreshes(&client, variable("SECOND_TOKEN")?).await;
        let host = Self {
            account_events: client.subscribe(),
            turn_events: client.subscribe(),
            client,
            refreshes,
        };
        let info = ClientInfo::new("third-party", "Third party", "1.0");
        let opened = host.client.initialize(InitializeParams::new(info)).await?;
        check("server", &opened.extra["serverInfo"]["name"], "byokey")?;
        host.client.initialized().await?;
        Ok(host)
    }

    /// Logs in with the first token.
    pub async fn login(&self) -> Outcome<Value> {
        let token = variable("FIRST_TOKEN")?;
        let params = LoginAccountParams {
            login_type: "chatgptAuthTokens".to_owned(),
            api_key: None,
            id_token: Some(token.clone()),
            access_token: Some(token),
            extra: Map::new(),
        };
        let login = self.client.account_login_start(params).await?;
        Ok(login.extra["type"].clone())
    }

    pub async fn account(&self) -> Outcome<Value> {
        let read = self.client.account_read(GetAccountParams::default());
        Ok(read.await?.extra.into())
    }

    pub async fn used_percent(&self) -> Outcome<Value> {
        let limits = self.client.account_rate_limits_read().await?;
        Ok(limits.extra["rateLimits"]["primary"]["usedPercent"].clone())
    }

    /// A thread, started with its first turn.
    pub fn thread(&self) -> Thread {
        self.client.start_thread(ThreadOptions::default())
    }

    pub async fn logout(&self) -> Outcome<()> {
        self.client.account_logout().await?;
        Ok(())
    }

    /// The parameters of the refresh requests so far.
    pub fn refreshes(&self) -> Value {
        json!(
            *self
                .refreshes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        )
    }

    pub async fn login_completed(&mut self) -> Outcome<Value> {
        loop {
            let next = notification(&mut self.account_events).await?;
            if let ServerNotification::AccountLoginCompleted(completed) = next {
                return Ok(completed.extra.into());
            }
        }
    }

    pub async fn account_updated(&mut self) -> Outcome<Value> {
        loop {
            let next = notification(&mut self.account_events).await?;
            if let ServerNotification::AccountUpdated(updated) = next {
                return Ok(updated.extra.into());
            }
        }
    }

    /// Returns the deltas until the end of a turn, and how it ended.
    pub async fn turn_end(&mut self) -> Outcome<(Vec<String>, Option<String>)> {
        let mut streamed = Vec::new();
        loop {
            match notification(&mut self.turn_events).await? {
                ServerNotification::ItemAgentMessageDelta(delta) => streamed.extend(delta.delta),
                ServerNotification::TurnCompleted(end) => return Ok((streamed, end.turn.status)),
                _ => {}
            }
        }
    }
}

/// Answers refresh requests with this token; returns where they are recorded.
async fn answer_refreshes(client: &CodexClient, token: String) -> Arc<Mutex<Vec<Value>>> {
    let refreshes = Arc::<Mutex<Vec<Value>>>::default();
    let noted = Arc::clone(&refreshes);
    client
        .set_chatgpt_auth_tokens_refresh_handler(move |params| {
            let params = json!(params);
            noted
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(params);
            let answer = ChatgptAuthTokensRefreshResponse {
                id_token: token.clone(),
                access_token: token.clone(),
                extra: Map::new(),
            };
            async { Ok(answer) }
        })
        .await;
    refreshes
}

async fn notification(events: &mut Receiver<ServerEvent>) -> Outcome<ServerNotification> {
    loop {
        match events.recv().await? {
            ServerEvent::Notification(notification) => return Ok(notification),
            ServerEvent::TransportClosed => return Err("the server is gone".into()),
            ServerEvent::ServerRequest(_) => {}
        }
    }
}
