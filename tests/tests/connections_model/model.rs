//! The model: the expected behaviour, as simple as possible.

use byokey_protocol::error::ErrorKind;

use crate::operation::{
    Operation, Outcome, Place, Received, Reply, Shown, User, account_of, person_of,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum InForce {
    Nobody,
    Key,
    /// The user, and the connection that supplied the tokens.
    Tokens(User, Place),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Open,
    /// It reads, but its answers cannot arrive.
    Deaf,
    Gone,
}

/// A refresh in flight.
struct Refresh {
    /// The unanswered requests.
    open: Vec<usize>,
    /// The first failure of a host.
    reason: Option<ErrorKind>,
    /// Whether the remaining hosts were asked after the first ones disconnected.
    asked_again: bool,
    waiting: Vec<usize>,
}

/// The expected behaviour.
pub(crate) struct Model {
    lines: Vec<Line>,
    in_force: InForce,
    refresh: Option<Refresh>,
    /// The recipient of each refresh request of the sequence.
    asked: Vec<Place>,
    /// How many calls got a 401.
    calls: usize,
    /// Whether another credential was in force before.
    had_another: bool,
    outcome: Outcome,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            lines: Vec::new(),
            in_force: InForce::Nobody,
            refresh: None,
            asked: Vec::new(),
            calls: 0,
            had_another: false,
            outcome: Outcome::default(),
        }
    }
}

impl Model {
    pub(crate) const fn connections(&self) -> usize {
        self.lines.len()
    }

    pub(crate) const fn asked(&self) -> usize {
        self.asked.len()
    }

    pub(crate) const fn calls(&self) -> usize {
        self.calls
    }

    pub(crate) fn apply(&mut self, operation: Operation) -> Outcome {
        if matches!(operation, Operation::Connect) {
            self.lines.push(Line::Open);
        }
        self.outcome.received = vec![Vec::new(); self.lines.len()];
        match operation {
            Operation::Connect => self.deliver(self.lines.len() - 1, Received::Introduced),
            Operation::LoginTokens(place, user) => self.login(place, InForce::Tokens(user, place)),
            Operation::LoginKey(place) => self.login(place, InForce::Key),
            Operation::Logout(place) => self.logout(place),
            Operation::Read(place) => {
                if self.speaks(place) {
                    self.deliver(place, Received::Account(self.shown()));
                }
            }
            Operation::Unauthorized => self.unauthorized(),
            Operation::LateUnauthorized => self.late_unauthorized(),
            Operation::Cancel(call) => {
                if let Some(refresh) = &mut self.refresh {
                    refresh.waiting.retain(|waiting| *waiting != call);
                }
            }
            Operation::Answer(number, reply) => self.answered(number, reply),
            Operation::Timeout => {
                if let Some(refresh) = &mut self.refresh {
                    refresh.open.clear();
                    refresh.reason.get_or_insert(ErrorKind::HostTimeout);
                    self.look_for_the_end();
                }
            }
            Operation::EndOfInput(place) => {
                if self.lines[place] == Line::Open {
                    self.lines[place] = Line::Deaf;
                }
                self.lost(place);
            }
            Operation::Disconnect(place) => {
                self.lines[place] = Line::Gone;
                self.lost(place);
            }
        }
        self.outcome.ended.sort_unstable_by_key(|(call, _)| *call);
        std::mem::take(&mut self.outcome)
    }

    fn speaks(&self, place: Place) -> bool {
        self.lines[place] == Line::Open
    }

    fn deliver(&mut self, place: Place, received: Received) {
        if self.lines[place] != Line::Gone {
            self.outcome.received[place].push(received);
        }
    }

    fn deliver_all(&mut self, received: &Received) {
        for place in 0..self.lines.len() {
            self.deliver(place, received.clone());
        }
    }

    fn shown(&self) -> Shown {
        match self.in_force {
            InForce::Nobody => Shown::Nobody,
            InForce::Key => Shown::Key,
            InForce::Tokens(user, _) => Shown::Account(account_of(user)),
        }
    }

    fn put_in_force(&mut self, credential: InForce) {
        self.had_another |= self.in_force != InForce::Nobody;
        self.in_force = credential;
    }

    fn settle(&mut self, outcome: Result<(), ErrorKind>) {
        for call in self
            .refresh
            .take()
            .map_or_else(Vec::new, |refresh| refresh.waiting)
        {
            self.outcome.ended.push((call, outcome));
        }
    }

    fn login(&mut self, place: Place, credential: InForce) {
        if !self.speaks(place) {
            return;
        }
        if credential == InForce::Key && matches!(self.in_force, InForce::Tokens(..)) {
            return self.deliver(place, Received::Refused("externalAuthActive".to_owned()));
        }
        self.put_in_force(credential);
        self.settle(Ok(()));
        self.deliver(place, Received::SignedIn);
        self.deliver_all(&Received::LoginCompleted);
        self.deliver_all(&Received::Updated(self.shown()));
    }

    fn logout(&mut self, place: Place) {
        if !self.speaks(place) {
            return;
        }
        self.put_in_force(InForce::Nobody);
        self.settle(Err(ErrorKind::AuthRequired));
        self.deliver(place, Received::SignedOut);
        self.deliver_all(&Received::Updated(Shown::Nobody));
    }

    fn unauthorized(&mut self) {
        let call = self.calls;
        let supplier = match self.in_force {
            // Calls need a credential.
            InForce::Nobody => return,
            InForce::Key => {
                self.calls += 1;
                return self
                    .outcome
                    .ended
                    .push((call, Err(ErrorKind::ReauthRequired)));
            }
            InForce::Tokens(_, supplier) => supplier,
        };
        self.calls += 1;
        if let Some(refresh) = &mut self.refresh {
            return refresh.waiting.push(call);
        }
        self.refresh = Some(Refresh {
            open: Vec::new(),
            reason: None,
            asked_again: false,
            waiting: vec![call],
        });
        self.ask(supplier);
        self.look_for_the_end();
    }

    fn late_unauthorized(&mut self) {
        if !self.had_another {
            return;
        }
        let outcome = match self.in_force {
            InForce::Nobody => Err(ErrorKind::AuthRequired),
            InForce::Key | InForce::Tokens(..) => Ok(()),
        };
        self.outcome.ended.push((self.calls, outcome));
        self.calls += 1;
    }

    /// Asks the supplier of the tokens; if it cannot answer, every host that can.
    fn ask(&mut self, supplier: Place) {
        let able = |place: &Place| self.lines[*place] == Line::Open;
        let hosts: Vec<_> = if able(&supplier) {
            vec![supplier]
        } else {
            (0..self.lines.len()).filter(able).collect()
        };
        for place in hosts {
            let number = self.asked.len();
            self.asked.push(place);
            self.deliver(place, Received::Asked(number));
            if let Some(refresh) = &mut self.refresh {
                refresh.open.push(number);
            }
        }
    }

    /// Handles that no host is left to answer: the others are asked once, then the refresh fails.
    fn look_for_the_end(&mut self) {
        let InForce::Tokens(_, supplier) = self.in_force else {
            return;
        };
        let Some(refresh) = &mut self.refresh else {
            return;
        };
        if !refresh.open.is_empty() {
            return;
        }
        if refresh.reason.is_none() && !refresh.asked_again {
            refresh.asked_again = true;
            self.ask(supplier);
            return self.look_for_the_end();
        }
        let reason = refresh.reason.unwrap_or(ErrorKind::HostGone);
        self.settle(Err(reason));
    }

    /// Handles that this connection's answers cannot arrive any more.
    fn lost(&mut self, place: Place) {
        let asked = &self.asked;
        if let Some(refresh) = &mut self.refresh {
            refresh.open.retain(|number| asked[*number] != place);
            self.look_for_the_end();
        }
    }

    fn answered(&mut self, number: usize, reply: Reply) {
        let place = self.asked[number];
        let waited = |refresh: &Refresh| refresh.open.contains(&number);
        if !self.speaks(place) || !self.refresh.as_ref().is_some_and(waited) {
            return;
        }
        match reply {
            Reply::Tokens(user) if !self.may_answer(place, user) => {
                self.failed(number, ErrorKind::WorkspaceMismatch);
            }
            Reply::Tokens(user) => {
                let before = self.shown();
                self.put_in_force(InForce::Tokens(user, place));
                self.settle(Ok(()));
                if before != self.shown() {
                    self.deliver_all(&Received::Updated(self.shown()));
                }
            }
            Reply::BadToken => self.failed(number, ErrorKind::InvalidToken),
            Reply::WrongShape => self.failed(number, ErrorKind::HostAnswerInvalid),
            Reply::Error => self.failed(number, ErrorKind::HostRefused),
        }
    }

    /// Returns whether tokens of that user are accepted from that connection. The supplier may
    /// change the account; another connection may not.
    fn may_answer(&self, place: Place, user: User) -> bool {
        let InForce::Tokens(present, supplier) = self.in_force else {
            return false;
        };
        let same_person = match (person_of(present), person_of(user)) {
            (Some(present), Some(answered)) => present == answered,
            // A token without a user does not contradict any.
            _ => true,
        };
        place == supplier || (account_of(present) == account_of(user) && same_person)
    }

    /// Handles the failure of one host; another one may still answer.
    fn failed(&mut self, number: usize, reason: ErrorKind) {
        if let Some(refresh) = &mut self.refresh {
            refresh.open.retain(|open| *open != number);
            refresh.reason.get_or_insert(reason);
        }
        self.look_for_the_end();
    }
}
