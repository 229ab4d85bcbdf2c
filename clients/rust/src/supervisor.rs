//! A server that is started again when it ends.
//!
//! The pauses between starts grow, so that a program that cannot run is not started for ever at
//! full speed. Streams of events belong to the supervisor and hear every server; after a restart it
//! signs in again through the token provider.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use byokey_protocol::bearer_token::{BearerTokenLogin, BearerTokenRefreshParams};
use byokey_protocol::external_auth::RefreshParams;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::account::{Account, Keeper, update};
use crate::client::{ByokeyClient, Login};
use crate::error::ByokeyError;
use crate::events::{Event, EventStream, Events};
use crate::options::SpawnOptions;
use crate::provider::{AnyBearerProvider, AnyProvider, ProviderError, first_login};
use crate::supervision::{BearerLogin, CloseAction, Restart, ServerEnd, Supervision};

/// A server that ran for so long had recovered.
const HEALTHY_AFTER: Duration = Duration::from_secs(30);

/// A server that is kept running until this is closed or dropped.
#[derive(Debug)]
pub struct Supervisor {
    shared: Arc<Shared>,
    keeping: Mutex<JoinSet<()>>,
    account: OnceLock<Keeper>,
}

struct Shared {
    options: Box<dyn Fn() -> SpawnOptions + Send + Sync>,
    provider: Option<AnyProvider>,
    bearer: Option<(BearerLogin, AnyBearerProvider)>,
    client: watch::Sender<Option<Arc<ByokeyClient>>>,
    /// Whether the server has ended and will not be started again.
    closed: watch::Sender<bool>,
    events: Events,
    login: Mutex<LoginState>,
    /// Held while the account is changed by hand: what was requested last is sent last.
    changing: tokio::sync::Mutex<()>,
}

struct LoginState {
    is_signed_in: bool,
    account_id: Option<String>,
    /// Counts what changes the account by hand; tokens that were requested before are dropped.
    changes: u64,
}

impl Supervisor {
    /// Starts a server, signs in, and keeps it running. `options` is called for each start.
    ///
    /// # Errors
    ///
    /// Of the first start, as [`ByokeyClient::spawn`], or of the first login; and a
    /// [`bearer_login`](Supervision::bearer_login) without a provider of bearer tokens.
    pub async fn start(
        options: impl Fn() -> SpawnOptions + Send + Sync + 'static,
        supervision: Supervision,
    ) -> Result<Self, ProviderError> {
        let first = options();
        let bearer = match (
            supervision.bearer_login.clone(),
            first.refresh_bearer_token.clone(),
        ) {
            (None, _) => None,
            (Some(login), Some(provider)) => Some((login, provider)),
            (Some(_), None) => {
                return Err(
                    "`bearer_login` needs `refresh_bearer_token`, which supplies its tokens".into(),
                );
            }
        };
        let has_provider = bearer.is_some() || first.refresh_tokens.is_some();
        let shared = Arc::new(Shared {
            provider: first
                .refresh_tokens
                .clone()
                .map(|it| it.logging_to(first.on_log.clone())),
            bearer,
            options: Box::new(options),
            client: watch::Sender::new(None),
            closed: watch::Sender::new(false),
            events: Events::new(),
            login: Mutex::new(LoginState {
                is_signed_in: supervision.sign_in && has_provider,
                account_id: None,
                changes: 0,
            }),
            changing: tokio::sync::Mutex::new(()),
        });
        let client = shared.adopt(ByokeyClient::spawn(first).await?);
        if shared.login().is_signed_in {
            shared.sign_in_to(&client).await?;
        }
        let mut keeping = JoinSet::new();
        keeping.spawn(keep(Arc::clone(&shared), client, supervision));
        Ok(Self {
            shared,
            keeping: Mutex::new(keeping),
            account: OnceLock::new(),
        })
    }

    /// Returns the server that runs; none while there is none.
    #[must_use]
    pub fn client(&self) -> Option<Arc<ByokeyClient>> {
        self.shared.client.borrow().clone()
    }

    /// Waits for the server that runs, now or after the restart; none if there will be no other.
    pub async fn ready(&self) -> Option<Arc<ByokeyClient>> {
        let mut client = self.shared.client.subscribe();
        tokio::select! {
            biased;
            client = client.wait_for(Option::is_some) => client.ok().and_then(|it| it.clone()),
            () = self.closed() => None,
        }
    }

    /// Requests tokens and signs in, now and after each restart.
    ///
    /// # Errors
    ///
    /// Of the provider, or of the login.
    pub async fn sign_in(&self) -> Result<(), ProviderError> {
        {
            let mut login = self.shared.login();
            login.is_signed_in = true;
            login.changes += 1;
        }
        match self.ready().await {
            Some(client) => self.shared.sign_in_to(&client).await,
            None => Ok(()),
        }
    }

    /// Signs out, also for the servers to come. Tokens that come later are not used.
    ///
    /// # Errors
    ///
    /// Of the logout.
    pub async fn sign_out(&self) -> Result<(), ByokeyError> {
        {
            let mut login = self.shared.login();
            login.is_signed_in = false;
            login.account_id = None;
            login.changes += 1;
        }
        let _changing = self.shared.changing.lock().await;
        match self.client() {
            Some(client) => match client.logout(None).await {
                // A server that has ended meanwhile has forgotten the account, too.
                Err(ByokeyError::ConnectionClosed { .. }) => Ok(()),
                result => result,
            },
            None => Ok(()),
        }
    }

    /// Returns a stream of the events from now on, of this server and of those that follow it.
    #[must_use]
    pub fn events(&self) -> EventStream {
        self.shared.events.stream()
    }

    /// Returns the account, kept current over restarts from the first use of this on.
    ///
    /// Call it inside a tokio runtime.
    #[must_use]
    pub fn account(&self) -> watch::Receiver<Option<Account>> {
        let keeper = self.account.get_or_init(|| {
            let shared = Arc::clone(&self.shared);
            Keeper::spawn(|current| keep_account(shared, current))
        });
        keeper.account.clone()
    }

    /// Waits until the server has ended and will not be started again.
    pub async fn closed(&self) {
        let mut closed = self.shared.closed.subscribe();
        drop(closed.wait_for(|closed| *closed).await);
    }

    /// Ends the server, for good.
    pub async fn close(&self) {
        self.shared.closed.send_replace(true);
        let keeping = {
            let mut keeping = self.keeping.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *keeping)
        };
        drop(keeping);
        let client = self.shared.client.send_replace(None);
        if let Some(client) = client {
            client.close().await;
        }
        self.shared.events.end();
    }
}

impl Shared {
    fn login(&self) -> MutexGuard<'_, LoginState> {
        self.login.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a new server the one that runs.
    fn adopt(self: &Arc<Self>, client: ByokeyClient) -> Arc<ByokeyClient> {
        let client = Arc::new(client);
        let mut events = client.events();
        let shared = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                let Some(shared) = shared.upgrade() else {
                    return;
                };
                if !matches!(event, Event::Lost) {
                    shared.events.publish(&event);
                }
            }
        });
        self.client.send_replace(Some(Arc::clone(&client)));
        client
    }

    async fn sign_in_to(&self, client: &Arc<ByokeyClient>) -> Result<(), ProviderError> {
        let (changes, previous_account_id) = {
            let login = self.login();
            (login.changes, login.account_id.clone())
        };
        let Some((new_login, account_id)) = self.new_login(previous_account_id).await? else {
            return Ok(());
        };
        let _changing = self.changing.lock().await;
        // A sign-out, another sign-in or another server that came meanwhile wins.
        let is_current =
            matches!(&*self.client.borrow(), Some(current) if Arc::ptr_eq(current, client));
        if self.login().changes != changes || !is_current {
            return Ok(());
        }
        client.login(new_login).await?;
        let mut login = self.login();
        if login.changes == changes {
            login.account_id = account_id;
        }
        Ok(())
    }

    /// Asks the provider. Returns the login with its answer, and its account; none without a
    /// provider.
    async fn new_login(
        &self,
        previous_account_id: Option<String>,
    ) -> Result<Option<(Login, Option<String>)>, ProviderError> {
        let asked = RefreshParams {
            previous_account_id,
            ..first_login()
        };
        if let Some((BearerLogin { origin, label }, provider)) = &self.bearer {
            let request = BearerTokenRefreshParams {
                reason: asked.reason,
                origin: origin.clone(),
            };
            let bearer = provider.ask(request).await?;
            let login = BearerTokenLogin {
                token: bearer.token,
                origin: origin.clone(),
                expires_at: bearer.expires_at,
                label: label.clone(),
            };
            return Ok(Some((login.into(), None)));
        }
        let Some(provider) = &self.provider else {
            return Ok(None);
        };
        let tokens = provider.ask(asked).await?;
        let account_id = tokens.chatgpt_account_id.clone();
        Ok(Some((tokens.into(), account_id)))
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// Reads the account of each server, and again after each of its updates.
async fn keep_account(shared: Arc<Shared>, current: watch::Sender<Option<Account>>) {
    let keeping = async {
        let (mut clients, mut is_known) = (shared.client.subscribe(), false);
        loop {
            let client = clients.borrow_and_update().clone();
            if let Some(client) = client
                && let Ok(read) = client.read_account().await
            {
                update(&current, read.account, is_known);
                is_known = true;
            }
            tokio::select! {
                () = shared.events.account_updated.notified() => {}
                changed = clients.changed() => if changed.is_err() {
                    return;
                },
            }
        }
    };
    let mut closed = shared.closed.subscribe();
    tokio::select! {
        () = keeping => {}
        _ = closed.wait_for(|closed| *closed) => {}
    }
    current.send_replace(None);
}

/// Waits for the end of a server and starts the next, until `on_close` has enough.
async fn keep(shared: Arc<Shared>, mut client: Arc<ByokeyClient>, supervision: Supervision) {
    let (mut restarts, mut ends_in_a_row) = (0, 0);
    loop {
        let started = Instant::now();
        let mut status = client.closed().await;
        let mut error = None;
        shared.client.send_replace(None);
        if started.elapsed() > HEALTHY_AFTER {
            ends_in_a_row = 0;
        }
        client = loop {
            ends_in_a_row += 1;
            let number = ends_in_a_row.min(supervision.pauses.len());
            let pause = number
                .checked_sub(1)
                .and_then(|it| supervision.pauses.get(it));
            let end = ServerEnd {
                status,
                error,
                ends_in_a_row,
                pause: pause.copied().unwrap_or_default(),
            };
            if (supervision.on_close)(&end) == CloseAction::DoNotRestart {
                shared.closed.send_replace(true);
                shared.events.end();
                return;
            }
            tokio::time::sleep(end.pause).await;
            match ByokeyClient::spawn((shared.options)()).await {
                Ok(client) => break shared.adopt(client),
                Err(failure) => (status, error) = (None, Some(failure)),
            }
        };
        let signs_in = shared.login().is_signed_in;
        let sign_in_error = if signs_in {
            shared.sign_in_to(&client).await.err()
        } else {
            None
        };
        restarts += 1;
        (supervision.on_restart)(Restart {
            client: Arc::clone(&client),
            restarts,
            sign_in_error,
        });
    }
}
