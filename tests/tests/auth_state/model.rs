//! The rules of the credential once more, as simple as possible, for comparison.

use super::{Account, Policy, Token};

/// What is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InForce {
    Nobody,
    Key,
    Host { token: Token, account: Account },
}

/// The outcome of a waiting call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    TryAgain,
    GiveUp,
}

/// The visible effects of an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Whether it was executed.
    pub(super) taken: bool,
    /// Whether the host is asked now.
    pub(super) asks: bool,
    /// The calls that stop waiting, in any order.
    pub(super) woken: Vec<(usize, Option<bool>)>,
    /// Whether clients get `account/updated`.
    pub(super) notified: bool,
}

/// The credential, and the refresh in flight with its waiters.
#[derive(Clone, Debug)]
pub(super) struct Model {
    policy: Policy,
    pub(super) in_force: InForce,
    /// Counts the credentials so far.
    pub(super) age: usize,
    /// The number of the refresh in flight.
    pub(super) asking: Option<usize>,
    waiting: Vec<usize>,
    refreshes: usize,
}

impl Model {
    pub(super) const fn new(policy: Policy) -> Self {
        Self {
            policy,
            in_force: InForce::Nobody,
            age: 0,
            asking: None,
            waiting: Vec::new(),
            refreshes: 0,
        }
    }

    pub(super) fn login_host(&mut self, token: Token, account: Account) -> Seen {
        if self.policy.only_keys || !token.is_jwt() || !self.allows(account) {
            return Seen::default();
        }
        self.put(InForce::Host { token, account })
    }

    pub(super) fn login_key(&mut self, good: bool) -> Seen {
        let hosted = matches!(self.in_force, InForce::Host { .. });
        if hosted || self.policy.only_chatgpt || !good {
            return Seen::default();
        }
        self.put(InForce::Key)
    }

    pub(super) fn logout(&mut self) -> Seen {
        self.in_force = InForce::Nobody;
        self.age += 1;
        self.end_refresh(End::GiveUp, true)
    }

    /// A call that began at that age gets a 401.
    pub(super) fn unauthorized(&mut self, age: usize, call: usize) -> Seen {
        let now = |end| Seen {
            taken: true,
            woken: vec![(call, Some(end == End::TryAgain))],
            ..Seen::default()
        };
        match self.in_force {
            InForce::Nobody => now(End::GiveUp),
            _ if age != self.age => now(End::TryAgain),
            InForce::Key => now(End::GiveUp),
            InForce::Host { .. } => {
                self.waiting.push(call);
                let asks = self.ask();
                Seen {
                    taken: true,
                    asks,
                    ..Seen::default()
                }
            }
        }
    }

    pub(super) fn expiring(&mut self, age: usize) -> Seen {
        let hosted = matches!(self.in_force, InForce::Host { .. });
        let asks = hosted && age == self.age && self.ask();
        Seen {
            taken: asks,
            asks,
            ..Seen::default()
        }
    }

    /// The host answers the refresh of that number, with or without tokens.
    pub(super) fn answered(&mut self, number: usize, tokens: Option<(Token, Account)>) -> Seen {
        if self.asking != Some(number) {
            return Seen::default();
        }
        let InForce::Host {
            token: old_token,
            account: old,
        } = self.in_force
        else {
            panic!("a refresh is in flight only while the host owns the login");
        };
        let good = tokens.filter(|(token, account)| {
            token.is_jwt() && self.allows(*account) && (!self.policy.same || *account == old)
        });
        let Some((token, account)) = good else {
            return self.end_refresh(End::GiveUp, false);
        };
        let notified = account != old || token.email() != old_token.email();
        self.in_force = InForce::Host { token, account };
        self.age += 1;
        self.end_refresh(End::TryAgain, notified)
    }

    fn allows(&self, account: Account) -> bool {
        let named = account.text();
        let sendable = !named.is_empty() && !named.contains(['\r', '\n', ' ', 'é']);
        sendable && named.len() <= 128 && (!self.policy.two_workspaces || account.is_allowed())
    }

    fn put(&mut self, in_force: InForce) -> Seen {
        self.in_force = in_force;
        self.age += 1;
        self.end_refresh(End::TryAgain, true)
    }

    /// Returns whether this call sends the request.
    fn ask(&mut self) -> bool {
        if self.asking.is_some() {
            return false;
        }
        self.asking = Some(self.refreshes);
        self.refreshes += 1;
        true
    }

    fn end_refresh(&mut self, end: End, notified: bool) -> Seen {
        self.asking = None;
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        Seen {
            taken: true,
            asks: false,
            woken: waiting
                .map(|call| (call, Some(end == End::TryAgain)))
                .collect(),
            notified,
        }
    }
}
