//! Random operations of a host, a user or a backend, valid or not.

use std::sync::LazyLock;

use byokey_dev_backend::jwt::unsigned;
use byokey_protocol::external_auth::ExternalTokens;
use byokey_protocol::secret::Secret;
use proptest::prelude::{Strategy, any};
use serde_json::json;

/// One operation. A number counts back from the newest.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operation {
    LoginHost(Token, Account),
    LoginKey(bool),
    Logout,
    Unauthorized(usize),
    Expiring(usize),
    Answer(usize, Option<(Token, Account)>),
}

/// What the configuration allows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    pub(super) only_keys: bool,
    pub(super) only_chatgpt: bool,
    pub(super) two_workspaces: bool,
    pub(super) same: bool,
}

/// One of the fake tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token(usize);

/// Two tokens of one user, one of another, and two invalid texts.
static TOKENS: LazyLock<[String; 5]> = LazyLock::new(|| {
    let token = |email, label| unsigned(&json!({"email": email}), label);
    [
        token("ada@example.com", "first"),
        token("ada@example.com", "second"),
        token("eve@example.com", "third"),
        "not-a-jwt".to_owned(),
        format!("{}\r\nx-evil: 1", token("eve@example.com", "broken")),
    ]
});

impl Token {
    pub(super) fn text(self) -> &'static str {
        &TOKENS[self.0]
    }

    pub(super) const fn is_jwt(self) -> bool {
        self.0 < 3
    }

    /// Returns its owner.
    pub(super) const fn email(self) -> usize {
        if self.0 < 2 { 0 } else { 1 }
    }
}

/// One of the accounts: two that a policy may allow, one that it does not, and some that cannot be
/// sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Account(usize);

static ACCOUNTS: LazyLock<[String; 7]> = LazyLock::new(|| {
    let texts = ["ws-1", "ws-2", "ws-3", "", "ws-1\r\nx-evil: 1", "ws-é"];
    let [a, b, c, d, e, f] = texts.map(str::to_owned);
    [a, b, c, d, e, f, "w".repeat(129)]
});

impl Account {
    pub(super) fn text(self) -> &'static str {
        &ACCOUNTS[self.0]
    }

    pub(super) const fn is_allowed(self) -> bool {
        self.0 < 2
    }
}

/// Returns the tokens as a host passes them.
pub(super) fn tokens(token: Token, account: Account) -> ExternalTokens {
    ExternalTokens {
        access_token: Secret::from(token.text()),
        chatgpt_account_id: Some(account.text().to_owned()),
        chatgpt_plan_type: None,
        id_token: None,
        workspace_routing: None,
    }
}

pub(super) fn policies() -> impl Strategy<Value = Policy> {
    (0..3_u8, any::<bool>(), any::<bool>()).prop_map(|(forced, two_workspaces, same)| Policy {
        only_keys: forced == 1,
        only_chatgpt: forced == 2,
        two_workspaces,
        same,
    })
}

/// Generates sequences of operations. Each is derived from one number, which is far quicker than a
/// strategy for each part.
pub(super) fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let numbers = proptest::collection::vec(any::<u32>(), 1..24);
    numbers.prop_map(|numbers| numbers.into_iter().map(operation).collect())
}

fn operation(number: u32) -> Operation {
    let mut digits = Digits(number);
    match digits.next(18) {
        0..4 => Operation::LoginHost(digits.token(), digits.account()),
        4 => Operation::LoginKey(digits.next(2) == 0),
        5 => Operation::Logout,
        6..12 => Operation::Unauthorized(digits.back()),
        12 => Operation::Expiring(digits.back()),
        _ => {
            let tokens = (digits.token(), digits.account());
            Operation::Answer(digits.back(), Some(tokens).filter(|_| digits.next(5) > 0))
        }
    }
}

/// A number as digits of any base.
struct Digits(u32);

impl Digits {
    const fn next(&mut self, base: u32) -> usize {
        let digit = self.0 % base;
        self.0 /= base;
        digit as usize
    }

    /// Mostly a valid one, so that the sequence makes progress.
    const fn token(&mut self) -> Token {
        match self.next(16) {
            bad @ 14.. => Token(bad - 11),
            good => Token(good % 3),
        }
    }

    /// Mostly an allowed one, so that the sequence makes progress.
    const fn account(&mut self) -> Account {
        match self.next(16) {
            bad @ 12.. => Account(bad - 9),
            10 | 11 => Account(2),
            good => Account(good % 2),
        }
    }

    /// Mostly the newest.
    const fn back(&mut self) -> usize {
        match self.next(8) {
            older @ 5.. => older - 4,
            _ => 0,
        }
    }
}
