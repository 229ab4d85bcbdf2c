//! The current account, read again after each `account/updated`.

use std::future::Future;
use std::sync::Arc;

use byokey_protocol::account::{AccountReadParams, AccountReadResult};
use byokey_protocol::methods::AccountRead;
use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::connection::Connection;

/// The account of a server; `None` without a login.
pub type Account = byokey_protocol::open::Open<byokey_protocol::account::Account>;

/// Keeps the account current until it is dropped.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(crate) account: watch::Receiver<Option<Account>>,
    /// Ends with this, and releases the connection.
    _keeping: JoinSet<()>,
}

impl Keeper {
    pub(crate) fn new(connection: &Arc<Connection>) -> Self {
        let connection = Arc::clone(connection);
        Self::spawn(|current| keep(connection, current))
    }

    /// Starts what keeps the account current.
    pub(crate) fn spawn<F>(keep: impl FnOnce(watch::Sender<Option<Account>>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (current, account) = watch::channel(None);
        let mut keeping = JoinSet::new();
        keeping.spawn(keep(current));
        Self {
            account,
            _keeping: keeping,
        }
    }
}

/// Reads now and after each update. Updates during a read lead to one more read (single-flight).
async fn keep(connection: Arc<Connection>, current: watch::Sender<Option<Account>>) {
    let keeping = async {
        let mut is_known = false;
        let updated = &connection.events.account_updated;
        loop {
            // Updates before the request are covered by its response.
            updated.notified().now_or_never().unwrap_or_default();
            let read = connection.request::<AccountRead>(AccountReadParams::default());
            // If it cannot be read, the last known account remains.
            if let Ok(AccountReadResult { account, .. }) = read.await {
                // The first read counts as an update, whatever its result.
                update(&current, account, is_known);
                is_known = true;
            }
            updated.notified().await;
        }
    };
    tokio::select! {
        () = keeping => {}
        _ = connection.closed() => drop(current.send_replace(None)),
    }
}

/// Sets the account. Observers hear of it if it is another, or the first.
pub(crate) fn update(
    current: &watch::Sender<Option<Account>>,
    account: Option<Account>,
    is_known: bool,
) {
    current.send_if_modified(|current| {
        let is_new = !is_known || *current != account;
        *current = account;
        is_new
    });
}
