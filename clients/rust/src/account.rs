//! The account as it is now, read again whenever the server says that it changed.

use std::sync::Arc;

use byokey_protocol::account::{AccountReadParams, AccountReadResult};
use byokey_protocol::methods::AccountRead;
use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::connection::Connection;

/// What a server tells of the account: none if nobody is signed in.
pub type Account = byokey_protocol::open::Open<byokey_protocol::account::Account>;

/// Keeps the account current until it is dropped.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(crate) account: watch::Receiver<Option<Account>>,
    /// Ends with this, and lets go of the connection.
    _keeping: JoinSet<()>,
}

impl Keeper {
    pub(crate) fn new(connection: &Arc<Connection>) -> Self {
        let (current, account) = watch::channel(None);
        let mut keeping = JoinSet::new();
        keeping.spawn(keep(Arc::clone(connection), current));
        Self {
            account,
            _keeping: keeping,
        }
    }
}

/// Reads now and after each update. However many come during a read, one more tells the last.
async fn keep(connection: Arc<Connection>, current: watch::Sender<Option<Account>>) {
    let keeping = async {
        let mut is_known = false;
        let updated = &connection.events.account_updated;
        loop {
            // What was told before the question is in the answer.
            updated.notified().now_or_never().unwrap_or_default();
            let read = connection.request::<AccountRead>(AccountReadParams::default());
            // Where it cannot be read, what was known is still the best guess.
            if let Ok(AccountReadResult { account, .. }) = read.await {
                // The first read counts, whatever it tells.
                current.send_if_modified(|current| {
                    let is_new = !is_known || *current != account;
                    *current = account;
                    is_new
                });
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
