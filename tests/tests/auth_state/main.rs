//! The rules of the credential against a second, independent implementation: any sequence of
//! logins, logouts, 401s and answers, valid, invalid, late or duplicate, must end the same in both.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod model;
mod operations;

use std::sync::Arc;

use byokey_auth::{
    AuthState, Credential, ForcedMethod, Generation, HostTicket, HostTokens, LoginPolicy, PeerId,
    Recovery, RecoveryFailure, RefreshOrder, Transition,
};
use byokey_protocol::account::AccountUpdated;
use byokey_protocol::external_auth::RefreshReason;
use byokey_protocol::secret::Secret;
use model::{InForce, Model, Seen};
use operations::{Account, Operation, Policy, Token, operations, policies};
use proptest::test_runner::{Config, TestCaseError, TestRunner};

/// Sequences per run.
const SEQUENCES: u32 = 100_000;

// Row: any sequence
// Row: tokens stay with their account
#[test]
fn every_sequence_ends_as_the_model_says() {
    let config = Config {
        cases: SEQUENCES,
        failure_persistence: None,
        ..Config::default()
    };
    let sequences = (policies(), operations());
    let outcome = TestRunner::new(config).run(&sequences, |(policy, operations)| {
        let mut subject = Subject::new(policy);
        let mut model = Model::new(policy);
        for (number, operation) in operations.iter().enumerate() {
            let expected = apply_to_model(&mut model, &mut subject, operation, number);
            let mut got = subject.apply(operation, number);
            got.woken.sort_unstable();
            if got != expected {
                let problem = format!("{operation:?}: expected {expected:?}, got {got:?}");
                return Err(TestCaseError::fail(problem));
            }
            subject.compare(&model).map_err(TestCaseError::fail)?;
        }
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

fn apply_to_model(
    model: &mut Model,
    subject: &mut Subject,
    operation: &Operation,
    number: usize,
) -> Seen {
    match *operation {
        Operation::LoginHost(token, account) => model.login_host(token, account),
        Operation::LoginKey(good) => model.login_key(good),
        Operation::Logout => model.logout(),
        Operation::Unauthorized(back) => model.unauthorized(subject.age(back), number),
        Operation::Expiring(back) => model.expiring(subject.age(back)),
        Operation::Answer(which, tokens) => subject
            .number(which)
            .map_or_else(Seen::default, |it| model.answered(it, tokens)),
    }
}

/// The real state, with the memory of its caller.
struct Subject {
    state: AuthState<usize>,
    /// The generation at each age.
    generations: Vec<Generation>,
    /// The refreshes so far.
    tickets: Vec<HostTicket>,
}

impl Subject {
    fn new(policy: Policy) -> Self {
        let allowed = ["ws-1", "ws-2"].map(str::to_owned);
        let state = AuthState::new(LoginPolicy {
            forced_method: match (policy.only_keys, policy.only_chatgpt) {
                (true, _) => Some(ForcedMethod::Api),
                (_, true) => Some(ForcedMethod::Chatgpt),
                _ => None,
            },
            allowed_workspaces: if policy.two_workspaces {
                allowed.into()
            } else {
                Vec::new()
            },
            same_account: policy.same,
        });
        let generations = vec![state.generation()];
        Self {
            state,
            generations,
            tickets: Vec::new(),
        }
    }

    /// Returns the age of an earlier credential.
    fn age(&self, back: usize) -> usize {
        (self.generations.len() - 1).saturating_sub(back)
    }

    /// Returns one of the refreshes so far, counted from the newest.
    fn number(&self, back: usize) -> Option<usize> {
        self.tickets.len().checked_sub(back + 1)
    }

    fn apply(&mut self, operation: &Operation, number: usize) -> Seen {
        match *operation {
            Operation::LoginHost(token, account) => {
                let tokens = operations::tokens(token, account);
                let settled = self.state.login_external(tokens, PeerId(0)).ok();
                self.settled(settled)
            }
            Operation::LoginKey(good) => {
                let key = if good { "sk-made-up" } else { "sk made\nup" };
                let settled = self.state.login_api_key(Secret::from(key), PeerId(0)).ok();
                self.settled(settled)
            }
            Operation::Logout => {
                let settled = self.state.logout();
                self.settled(Some(settled))
            }
            Operation::Unauthorized(back) => {
                let generation = self.generations[self.age(back)];
                match self.state.unauthorized(generation, number) {
                    Recovery::Decided(call, end) => Seen {
                        taken: true,
                        woken: vec![(call, Some(end.is_ok()))],
                        ..Seen::default()
                    },
                    Recovery::Joined => Seen {
                        taken: true,
                        ..Seen::default()
                    },
                    Recovery::Ask(order) => self.asked(order, RefreshReason::Unauthorized),
                }
            }
            Operation::Expiring(back) => {
                let order = self.state.expiring(self.generations[self.age(back)]);
                order.map_or_else(Seen::default, |it| self.asked(it, RefreshReason::Expiring))
            }
            Operation::Answer(which, tokens) => {
                let Some(at) = self.number(which) else {
                    return Seen::default();
                };
                let answer = match tokens {
                    None => Err(RecoveryFailure::AnswerInvalid),
                    Some((token, account)) => Ok(HostTokens {
                        tokens: operations::tokens(token, account),
                        supplier: PeerId(0),
                    }),
                };
                let settled = self.state.host_refreshed(&self.tickets[at], answer);
                self.settled(settled)
            }
        }
    }

    fn settled<U>(&mut self, settled: Option<Transition<usize, U>>) -> Seen
    where
        Option<AccountUpdated>: From<U>,
    {
        if self.generations.last() != Some(&self.state.generation()) {
            self.generations.push(self.state.generation());
        }
        let Some(settled) = settled else {
            return Seen::default();
        };
        let again = settled.outcome.is_ok();
        Seen {
            taken: true,
            asks: false,
            woken: settled
                .waiters
                .into_iter()
                .map(|call| (call, Some(again)))
                .collect(),
            notified: Option::<AccountUpdated>::from(settled.update).is_some(),
        }
    }

    fn asked(&mut self, order: RefreshOrder, reason: RefreshReason) -> Seen {
        let RefreshOrder::Host { ticket, params, .. } = order else {
            panic!("tokens of the host are renewed by the host");
        };
        let mut earlier = self.tickets.iter();
        assert!(
            !earlier.any(|it| it.number() == ticket.number()),
            "a ticket came twice"
        );
        assert_eq!(params.reason, reason);
        let login = self
            .state
            .credential()
            .and_then(|credential| credential.chatgpt());
        assert_eq!(
            params.previous_account_id,
            login.and_then(|login| login.id.clone())
        );
        self.tickets.push(ticket);
        Seen {
            taken: true,
            asks: true,
            ..Seen::default()
        }
    }

    /// Compares the credential in force, and whether a refresh is in flight.
    fn compare(&self, model: &Model) -> Result<(), String> {
        let credential = self.state.credential().map(Arc::as_ref);
        let same = match (credential, model.in_force) {
            (None, InForce::Nobody) | (Some(Credential::ApiKey(_)), InForce::Key) => true,
            (Some(Credential::External(login)), InForce::Host { token, account }) => {
                let bearer = credential.unwrap().bearer().expose();
                bearer == token.text() && login.account_id() == account.text()
            }
            _ => false,
        };
        if !same {
            return Err(format!("{:?} should be in force", model.in_force));
        }
        if self.state.is_refreshing() != model.asking.is_some() {
            return Err(format!(
                "the refresh in flight should be {:?}",
                model.asking
            ));
        }
        // One generation for each age: none is used twice, none is skipped.
        let increasing = self
            .generations
            .is_sorted_by(|earlier, later| earlier < later);
        if self.generations.len() != model.age + 1 || !increasing {
            return Err(format!("{} credentials so far", model.age));
        }
        Ok(())
    }
}
