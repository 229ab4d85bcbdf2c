//! A fake issuer and a fake store for unit tests.

use std::sync::{Arc, Mutex};

use byokey_protocol::error::ErrorKind;
use byokey_protocol::secret::Secret;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard, oneshot};

use super::{
    Issuer, IssuerAnswer, IssuerFailure, ManagedTokens, RenewedTokens, Saving, Store, StoreAnswer,
    StoreFailure, StoreLock, Stored, TokenOwner,
};

type Answer = Result<RenewedTokens, IssuerFailure>;

/// An issuer that answers a refresh when the test does.
#[derive(Default)]
pub(crate) struct FakeIssuer {
    /// The refresh tokens that were spent, with the senders that answer them.
    pub(crate) asked: Mutex<Vec<(String, oneshot::Sender<Answer>)>>,
    /// All refresh tokens ever spent.
    pub(crate) spent: Mutex<Vec<String>>,
    /// The revoked tokens.
    pub(crate) revoked: Mutex<Vec<String>>,
}

impl FakeIssuer {
    pub(crate) fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// Answers the oldest refresh.
    pub(crate) fn answer(&self, answer: Answer) {
        let (_, sender) = self.asked.lock().unwrap().remove(0);
        drop(sender.send(answer));
    }
}

impl Issuer for FakeIssuer {
    fn refresh(&self, refresh_token: &Secret) -> IssuerAnswer<RenewedTokens> {
        let (sender, answer) = oneshot::channel();
        let token = refresh_token.expose().to_owned();
        self.spent.lock().unwrap().push(token.clone());
        self.asked.lock().unwrap().push((token, sender));
        Box::pin(async move {
            let gone = IssuerFailure::Unreachable {
                kind: ErrorKind::Retryable,
                text: "gone".into(),
            };
            answer.await.unwrap_or(Err(gone))
        })
    }

    fn revoke(&self, refresh_token: &Secret) -> IssuerAnswer<()> {
        let token = refresh_token.expose().to_owned();
        self.revoked.lock().unwrap().push(token);
        Box::pin(std::future::ready(Ok(())))
    }

    fn whoami(&self, _: &Secret) -> IssuerAnswer<TokenOwner> {
        Box::pin(std::future::ready(Err(IssuerFailure::UnexpectedAnswer)))
    }
}

/// An in-memory store that several auth managers share, as processes share a file.
#[derive(Default)]
pub(crate) struct SharedStore {
    pub(crate) kept: Mutex<Option<Stored>>,
    pub(crate) broken: Mutex<Option<StoreFailure>>,
    /// Held by a test to block loads.
    pub(crate) silent: Arc<Turn<()>>,
    turn: Arc<Turn<()>>,
}

impl SharedStore {
    fn check(&self) -> Result<(), StoreFailure> {
        self.broken.lock().unwrap().clone().map_or(Ok(()), Err)
    }

    /// Returns the stored managed tokens.
    pub(crate) fn tokens(&self) -> Option<ManagedTokens> {
        match &*self.kept.lock().unwrap() {
            Some(Stored::Managed(tokens)) => Some(tokens.duplicate()),
            _ => None,
        }
    }

    pub(crate) fn keep(&self, tokens: ManagedTokens) {
        *self.kept.lock().unwrap() = Some(Stored::Managed(tokens));
    }
}

impl Store for SharedStore {
    fn name(&self) -> &'static str {
        "shared"
    }

    fn is_persistent(&self) -> bool {
        true
    }

    fn lock(&self) -> StoreAnswer<'_, StoreLock> {
        let turn = Arc::clone(&self.turn);
        Box::pin(async move {
            let guard: OwnedMutexGuard<()> = turn.lock_owned().await;
            Ok(StoreLock::held(guard))
        })
    }

    fn load(&self) -> StoreAnswer<'_, Option<Stored>> {
        let tokens = self.tokens().map(Stored::Managed);
        let silent = Arc::clone(&self.silent);
        Box::pin(async move {
            drop(silent.lock().await);
            Ok(tokens)
        })
    }

    fn save(&self, stored: Stored, _: Saving) -> StoreAnswer<'_, ()> {
        let saved = self.check();
        if saved.is_ok() {
            *self.kept.lock().unwrap() = Some(stored);
        }
        Box::pin(std::future::ready(saved))
    }

    fn remove(&self) -> StoreAnswer<'_, bool> {
        let removed = self.kept.lock().unwrap().take().is_some();
        Box::pin(std::future::ready(Ok(removed)))
    }
}
