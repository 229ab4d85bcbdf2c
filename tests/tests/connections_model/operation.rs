//! Operations, and the messages that follow them.

use byokey_protocol::error::ErrorKind;

use crate::model::Model;
use crate::random::Random;

/// One of the connections of a sequence, counted from 0.
pub(crate) type Place = usize;
/// One of the fake users.
pub(crate) type User = usize;

/// Users for logins.
pub(crate) const USERS: usize = 5;
/// Most connections of a sequence.
const CONNECTIONS: usize = 4;

/// An operation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    /// A host connects and runs the handshake.
    Connect,
    /// It logs in with tokens.
    LoginTokens(Place, User),
    /// It logs in with an API key.
    LoginKey(Place),
    /// It logs out.
    Logout(Place),
    /// It reads the account.
    Read(Place),
    /// A call of ours is refused with 401, under the credential in force.
    Unauthorized,
    /// The same, under a credential that was in force some time before.
    LateUnauthorized,
    /// A call that waits for a refresh is cancelled.
    Cancel(usize),
    /// A host answers a refresh request, counted from the first of the sequence.
    Answer(usize, Reply),
    /// No refresh is answered in time.
    Timeout,
    /// A host closes our input and continues to read.
    EndOfInput(Place),
    /// A host disconnects.
    Disconnect(Place),
}

/// How a refresh request is answered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reply {
    Tokens(User),
    BadToken,
    WrongShape,
    Error,
}

/// A message to one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    Introduced,
    SignedIn,
    SignedOut,
    Refused(String),
    Account(Shown),
    LoginCompleted,
    Updated(Shown),
    /// The number of a refresh request.
    Asked(usize),
}

/// The visible part of the credential in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Nobody,
    Key,
    /// The plan of a user's account; each account has its own.
    Account(&'static str),
}

/// Returns a user's account id. The last three users share theirs.
pub(crate) fn account_of(user: User) -> &'static str {
    ["free", "plus", "pro", "pro", "pro"][user]
}

/// Returns the user id in a user's token. The token of the last user has none.
pub(crate) fn person_of(user: User) -> Option<&'static str> {
    [Some("ada"), Some("ben"), Some("cem"), Some("dua"), None][user]
}

/// The effects of an operation.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The messages to each connection, in order.
    pub(crate) received: Vec<Vec<Received>>,
    /// The calls that end, in the order in which they began, and their results.
    pub(crate) ended: Vec<(usize, Result<(), ErrorKind>)>,
}

impl Operation {
    /// Chooses a possible operation. Refreshes are likely, because they are under test.
    pub(crate) fn choose(random: &mut Random, model: &Model) -> Self {
        let connections = model.connections();
        if connections == 0 {
            return Self::Connect;
        }
        let place = random.below(connections);
        let user = random.below(USERS);
        match random.below(20) {
            0 | 1 if connections < CONNECTIONS => Self::Connect,
            2..=5 => Self::LoginTokens(place, user),
            6 => Self::LoginKey(place),
            7 => Self::Logout(place),
            8 => Self::LateUnauthorized,
            9 if model.calls() > 0 => Self::Cancel(random.below(model.calls())),
            10 => Self::Timeout,
            11 => Self::EndOfInput(place),
            12 => Self::Disconnect(place),
            13..=15 if model.asked() > 0 => {
                let reply = match random.below(6) {
                    0 => Reply::BadToken,
                    1 => Reply::WrongShape,
                    2 => Reply::Error,
                    _ => Reply::Tokens(user),
                };
                // Most answers are to the newest request.
                let newest = model.asked() - 1;
                let number = if random.below(3) == 0 {
                    random.below(model.asked())
                } else {
                    newest
                };
                Self::Answer(number, reply)
            }
            16..=19 => Self::Unauthorized,
            _ => Self::Read(place),
        }
    }
}
