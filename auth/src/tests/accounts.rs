//! Property: over five accounts and any order of logins, selections, pins, removals, 401s, late
//! answers and logouts, a token is only ever sent for, kept under and answered to its own account.
//!
//! `BYOKEY_MODEL_SEQUENCES` sets the number of sequences: a million in the long run.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::testing::{token_of, tokens};
use crate::{
    AccountKey, AuthState, Credential, ExternalLogin, Generation, Held, Holder, HostTicket,
    HostTokens, LoginPolicy, PeerId, Place, Recovery, RefreshOrder, Table,
};
use byokey_protocol::external_auth::ExternalTokens;

/// Number of accounts. Two of them are users of one workspace.
const ACCOUNTS: usize = 5;
/// Number of connections.
const PEERS: u64 = 3;
/// Steps of a sequence.
const STEPS: usize = 24;
const SEQUENCES: u64 = 20_000;

#[derive(Clone)]
struct Manager(Rc<RefCell<AuthState<usize>>>);

impl Manager {
    fn new() -> Self {
        Self(Rc::new(RefCell::new(
            AuthState::new(LoginPolicy::default()),
        )))
    }
}

impl Holder for Manager {
    fn held(&self) -> Option<Held> {
        self.0.borrow().credential().map(|it| Held::of(it))
    }

    fn keep_account(&self, is_kept: bool) {
        self.0.borrow_mut().keep_account(is_kept);
    }
}

/// A refresh that was asked for, and may be answered late.
struct Asked {
    of: usize,
    manager: Manager,
    ticket: HostTicket,
    supplier: PeerId,
}

/// What the model knows of one account that is signed in.
#[derive(Clone, Copy)]
struct SignedIn {
    serial: usize,
    supplier: PeerId,
}

struct World {
    table: Table<Manager>,
    keys: Vec<AccountKey>,
    signed_in: [Option<SignedIn>; ACCOUNTS],
    selected: Option<usize>,
    asked: Vec<Asked>,
    /// Generations that calls were made under, with the owner and its account.
    calls: Vec<(Manager, Generation, usize)>,
    /// The account of each token, by its text.
    owners: HashMap<String, usize>,
    serial: usize,
}

/// A small generator: the sequences are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

fn names(account: usize) -> (String, String) {
    (format!("ws-{}", account / 2), format!("user-{account}"))
}

impl World {
    fn new() -> Self {
        let held = |account| {
            let (workspace, user) = names(account);
            let given = tokens(&token_of(&workspace, &user, 4_102_444_800), &workspace);
            let login = ExternalLogin::new(given, PeerId(0)).unwrap();
            AccountKey::of(&Held::of(&Credential::External(login)))
        };
        Self {
            table: Table::new(Manager::new()),
            keys: (0..ACCOUNTS).map(held).collect(),
            signed_in: [None; ACCOUNTS],
            selected: None,
            asked: Vec::new(),
            calls: Vec::new(),
            owners: HashMap::new(),
            serial: 0,
        }
    }

    /// Returns a new token of this account.
    fn tokens(&mut self, account: usize) -> ExternalTokens {
        self.serial += 1;
        let (workspace, user) = names(account);
        let expires_at = 4_102_444_800 + i64::try_from(self.serial).unwrap();
        let token = token_of(&workspace, &user, expires_at);
        let given = tokens(&token, &workspace);
        self.owners.insert(token, account);
        given
    }

    fn login(&mut self, account: usize, keep: bool, by: PeerId) {
        let given = self.tokens(account);
        let identity = ExternalLogin::account_of(&given).unwrap().identity();
        let supplier = Some(by);
        let place = self.table.place(&Held { identity, supplier }, keep);
        let (slot, manager) = match place {
            Place::In(slot) => (slot, self.table.value(slot).unwrap().clone()),
            Place::New(slot) => (slot, Manager::new()),
        };
        let done = manager.0.borrow_mut().login_external(given, by);
        drop(done.unwrap());
        if let Place::New(_) = place {
            self.table.add(slot, manager);
        }
        if let Some(replaced) = self.table.logged_in(slot, keep, None) {
            drop(replaced.0.borrow_mut().logout());
        }
        self.table.sweep();
        if !keep && let Some(before) = self.selected {
            self.signed_in[before] = None;
        }
        let serial = self.serial;
        self.signed_in[account] = Some(SignedIn {
            serial,
            supplier: by,
        });
        self.selected = Some(account);
    }

    fn select(&mut self, account: usize) {
        let is_there = self.table.select(&self.keys[account]);
        self.table.sweep();
        assert_eq!(is_there, self.signed_in[account].is_some());
        if is_there {
            self.selected = Some(account);
        }
    }

    fn remove(&mut self, account: usize) {
        let removed = self.table.by_key(&self.keys[account]).cloned();
        assert_eq!(removed.is_some(), self.signed_in[account].is_some());
        if let Some(removed) = removed {
            drop(removed.0.borrow_mut().logout());
        }
        self.table.sweep();
        self.forget(|other, _| other == account);
    }

    fn logout(&mut self, by: PeerId, all: bool) {
        let concerned = if all {
            self.table.values().cloned().collect()
        } else {
            self.table.of_logout(by)
        };
        for manager in concerned {
            drop(manager.0.borrow_mut().logout());
        }
        self.table.sweep();
        let selected = self.selected;
        self.forget(|account, it| all || Some(account) == selected || it.supplier == by);
    }

    fn forget(&mut self, is_gone: impl Fn(usize, SignedIn) -> bool) {
        for account in 0..ACCOUNTS {
            if self.signed_in[account].is_some_and(|it| is_gone(account, it)) {
                self.signed_in[account] = None;
                self.selected = self.selected.filter(|selected| *selected != account);
            }
        }
    }

    /// A call for this account: a thread is pinned to it, or it is the selected one.
    fn call(&mut self, account: Option<usize>) {
        let manager = match account {
            None => Some(self.table.selected()),
            Some(account) => self.table.by_key(&self.keys[account]),
        };
        let manager = manager.cloned();
        let account = account.or(self.selected);
        let held = manager.filter(|manager| manager.held().is_some());
        let expected = account.filter(|account| self.signed_in[*account].is_some());
        assert_eq!(held.is_some(), expected.is_some());
        let (Some(manager), Some(account)) = (held, expected) else {
            return;
        };
        let state = manager.0.borrow();
        let sent = state.credential().unwrap().bearer().expose();
        assert_eq!(
            self.owners[sent], account,
            "a token is sent for its account"
        );
        let generation = state.generation();
        drop(state);
        self.calls.push((manager, generation, account));
    }

    /// A call, perhaps an old one, gets a 401.
    fn refuse(&mut self, number: usize) {
        let Some((manager, generation, account)) = self.calls.get(number).cloned() else {
            return;
        };
        let recovery = manager.0.borrow_mut().unauthorized(generation, number);
        let Recovery::Ask(RefreshOrder::Host {
            ticket,
            supplier,
            params,
        }) = recovery
        else {
            return;
        };
        let it = self.signed_in[account].unwrap();
        assert_eq!(
            supplier, it.supplier,
            "the supplier of this account is asked"
        );
        assert_eq!(params.previous_account_id, Some(names(account).0));
        let of = account;
        self.asked.push(Asked {
            of,
            manager,
            ticket,
            supplier,
        });
    }

    /// The host answers, with tokens of any account.
    fn answer(&mut self, number: usize, with: usize) {
        if number >= self.asked.len() {
            return;
        }
        let asked = self.asked.swap_remove(number);
        let given = self.tokens(with);
        let answer = HostTokens {
            tokens: given,
            supplier: asked.supplier,
        };
        let alone = self.signed_in.iter().flatten().count() == 1;
        let refreshed = asked
            .manager
            .0
            .borrow_mut()
            .host_refreshed(&asked.ticket, Ok(answer));
        let Some(refreshed) = refreshed else { return };
        let is_adopted = refreshed.outcome.is_ok();
        assert_eq!(
            is_adopted,
            with == asked.of || alone,
            "only its own account answers"
        );
        if is_adopted {
            let supplier = asked.supplier;
            self.signed_in[asked.of] = None;
            self.signed_in[with] = Some(SignedIn {
                serial: self.serial,
                supplier,
            });
            self.selected = self
                .selected
                .map(|it| if it == asked.of { with } else { it });
        }
    }

    /// The table holds what the model holds, each token under its own key.
    fn compare(&mut self) {
        let mut held = [const { None }; ACCOUNTS];
        for listed in self.table.list() {
            let account = self.keys.iter().position(|key| *key == listed.key).unwrap();
            let state = listed.value.0.borrow();
            let token = state.credential().unwrap().bearer().expose();
            assert_eq!(
                self.owners[token], account,
                "a token is kept under its own key"
            );
            assert!(held[account].is_none(), "an account is listed once");
            held[account] = Some(token.to_owned());
        }
        for (account, held) in held.iter().enumerate() {
            let expected = self.signed_in[account].map(|it| {
                let (workspace, user) = names(account);
                token_of(
                    &workspace,
                    &user,
                    4_102_444_800 + i64::try_from(it.serial).unwrap(),
                )
            });
            assert_eq!(*held, expected);
        }
        let selected = self.table.selected_slot();
        let key = self.table.key(selected);
        assert_eq!(key, self.selected.map(|it| self.keys[it].clone()));
    }
}

fn run(seed: u64) {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut world = World::new();
    for _ in 0..STEPS {
        let account = dice.below(ACCOUNTS);
        let by = PeerId(u64::try_from(dice.below(usize::try_from(PEERS).unwrap())).unwrap());
        match dice.below(16) {
            0..3 => world.login(account, true, by),
            3 => world.login(account, false, by),
            4 => world.select(account),
            5 => world.remove(account),
            6 => world.logout(by, dice.below(3) == 0),
            7 | 8 => world.call(None),
            9 | 10 => world.call(Some(account)),
            11..14 => {
                let back = dice.below(world.calls.len().max(1));
                world.refuse(back);
            }
            _ => {
                let number = dice.below(world.asked.len().max(1));
                let of = world.asked.get(number).map_or(account, |asked| asked.of);
                world.answer(number, if dice.below(3) == 0 { account } else { of });
            }
        }
        world.compare();
    }
}

// Row: tokens stay with their account
#[test]
fn any_sequence_keeps_each_token_with_its_account() {
    let wanted = std::env::var("BYOKEY_MODEL_SEQUENCES").ok();
    let sequences = wanted.map_or(SEQUENCES, |number| number.parse().unwrap());
    for seed in 0..sequences {
        let outcome = std::panic::catch_unwind(|| run(seed));
        assert!(
            outcome.is_ok(),
            "the sequence of seed {seed} ended otherwise"
        );
    }
}
