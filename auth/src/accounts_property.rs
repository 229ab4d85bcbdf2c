//! Property: over many accounts and any order of logins, refreshes, late answers and logouts, a
//! token never moves between accounts.

use std::collections::HashMap;
use std::sync::Arc;

use byokey_protocol::secret::Secret;
use proptest::prelude::*;

use super::fakes::{FakeIssuer, SharedStore};
use super::testing::{NoHost, managed_tokens, token_of};
use super::{
    AuthManager, Credential, Dependencies, LoginPolicy, ManagedLogin, PermanentFailure,
    RenewedTokens, Revocation,
};
use byokey_base::clock::SystemClock;

/// Number of users.
const PEOPLE: u8 = 4;

#[derive(Clone, Debug)]
enum Step {
    /// This user logs in, replacing the current login.
    SignIn(u8),
    /// A call gets a 401.
    Refuse,
    /// The issuer answers the oldest request.
    Answer,
    /// The issuer answers with tokens of this user, whatever the request.
    AnswerWrongly(u8),
    /// The issuer refuses permanently.
    RefuseForGood,
    /// Another process stores this user's login.
    OtherProcess(u8),
    /// The user logs out.
    SignOut,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..PEOPLE).prop_map(Step::SignIn),
        5 => Just(Step::Refuse),
        5 => Just(Step::Answer),
        1 => (0..PEOPLE).prop_map(Step::AnswerWrongly),
        1 => Just(Step::RefuseForGood),
        1 => (0..PEOPLE).prop_map(Step::OtherProcess),
        1 => Just(Step::SignOut),
    ];
    proptest::collection::vec(step, 1..40)
}

/// The state of the model, with the owner of each refresh token.
struct World {
    auth: Arc<AuthManager>,
    issuer: Arc<FakeIssuer>,
    store: Arc<SharedStore>,
    owners: HashMap<String, u8>,
    signed_in: Option<u8>,
}

fn workspace(person: u8) -> String {
    format!("ws-{person}")
}

fn user(person: u8) -> String {
    format!("u-{person}")
}

impl World {
    fn new() -> Self {
        let (issuer, store) = (Arc::<FakeIssuer>::default(), Arc::<SharedStore>::default());
        let dependencies = Dependencies {
            host: Arc::new(NoHost),
            issuer: issuer.clone(),
            store: store.clone(),
            clock: Arc::new(SystemClock),
        };
        Self {
            auth: AuthManager::new(LoginPolicy::default(), dependencies),
            issuer,
            store,
            owners: HashMap::new(),
            signed_in: None,
        }
    }

    fn refresh_token(&mut self, person: u8) -> String {
        let token = format!("rt-{}", self.owners.len());
        self.owners.insert(token.clone(), person);
        token
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::SignIn(person) => {
                let token = self.refresh_token(person);
                let tokens = managed_tokens(&workspace(person), &user(person), &token);
                let login = ManagedLogin::new(tokens).unwrap().into();
                let (auth, begun) = (Arc::clone(&self.auth), self.auth.begin_login(None));
                // The login waits for tokens that are being saved.
                let login = tokio::spawn(async move { auth.login_own(login, begun).await });
                settle().await;
                while !login.is_finished() {
                    self.answer_oldest();
                    settle().await;
                }
                login.await.unwrap().unwrap();
                self.signed_in = Some(person);
            }
            Step::Refuse => {
                let Some(lease) = self.auth.lease() else {
                    return;
                };
                let auth = Arc::clone(&self.auth);
                tokio::spawn(async move { auth.recover(lease.generation).await });
            }
            Step::Answer => self.answer_oldest(),
            Step::AnswerWrongly(person) if self.issuer.asked() > 0 => {
                let token = self.refresh_token(person);
                self.issuer.answer(Ok(renewed(person, &token)));
            }
            Step::RefuseForGood if self.issuer.asked() > 0 => {
                self.issuer.answer(Err(PermanentFailure::Exhausted.into()));
            }
            Step::OtherProcess(person) => {
                let token = self.refresh_token(person);
                self.store
                    .keep(managed_tokens(&workspace(person), &user(person), &token));
            }
            Step::SignOut => {
                drop(self.auth.logout(Revocation::Revoke));
                self.auth.clear_store().await.unwrap();
                self.signed_in = None;
            }
            Step::AnswerWrongly(_) | Step::RefuseForGood => {}
        }
    }

    /// Answers with tokens of the owner of the spent refresh token.
    fn answer_oldest(&mut self) {
        let spent = self
            .issuer
            .asked
            .lock()
            .unwrap()
            .first()
            .map(|(token, _)| token.clone());
        if let Some(spent) = spent {
            let person = self.owners[&spent];
            let token = self.refresh_token(person);
            self.issuer.answer(Ok(renewed(person, &token)));
        }
    }

    fn check(&self) {
        self.auth.read(|credential| {
            let person = match credential {
                Some(Credential::Managed(login)) => {
                    let token = login.tokens().refresh_token.as_ref().unwrap().expose();
                    let owner = self.owners[token];
                    assert_eq!(login.account.id, Some(workspace(owner)));
                    assert_eq!(login.account.user_id, Some(user(owner)));
                    let access = super::Claims::of(login.tokens().access_token.expose()).unwrap();
                    assert_eq!(access.user_id, Some(user(owner)));
                    Some(owner)
                }
                _ => None,
            };
            assert_eq!(person, self.signed_in, "whoever signed in last is in force");
        });
        if let Some(kept) = self.store.tokens() {
            let login = ManagedLogin::new(kept).unwrap();
            let token = login.tokens().refresh_token.as_ref().unwrap().expose();
            assert_eq!(login.account.id, Some(workspace(self.owners[token])));
        }
    }
}

fn renewed(person: u8, refresh_token: &str) -> RenewedTokens {
    let token = token_of(&workspace(person), &user(person), 4_102_444_801);
    RenewedTokens {
        id_token: None,
        access_token: Some(Secret::from(token.as_str())),
        refresh_token: Some(Secret::from(refresh_token)),
    }
}

async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    // Row: tokens stay with their account
    #[test]
    fn a_token_never_moves_between_accounts(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new();
            for step in steps {
                world.take(step).await;
                settle().await;
                world.check();
            }
        });
    }
}
