//! When a standby connection is opened.

use std::time::Duration;

use tokio::time::Instant;
use url::Origin;

/// How many connections in a row may die unused.
const MAX_UNUSED: u32 = 2;
/// For how long none is opened after that.
const REST: Duration = Duration::from_secs(600);
/// How many origins are remembered: a login has two at most.
const MAX_ORIGINS: usize = 4;

/// After what a connection is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// A login: a call is likely to follow.
    Login,
    /// A turn of a conversation: another is likely to follow.
    Turn,
    /// Any other call. It counts only where the last connection was of use.
    Call,
}

/// What became of the connections so far.
#[derive(Debug, Default)]
pub(super) struct Rules(Vec<Record>);

#[derive(Debug)]
struct Record {
    origin: Origin,
    /// Whether the last connection was used.
    was_used: bool,
    /// How many have died unused since.
    unused: u32,
    /// Until when none is opened.
    rests_until: Option<Instant>,
}

impl Rules {
    /// Returns whether a connection may be opened.
    pub(super) fn may_open(&mut self, origin: &Origin, occasion: Occasion, now: Instant) -> bool {
        let record = self.record(origin);
        if record.rests_until.is_some_and(|until| now < until) {
            return false;
        }
        record.rests_until = None;
        occasion != Occasion::Call || record.was_used
    }

    /// A call took the connection.
    pub(super) fn used(&mut self, origin: &Origin) {
        let record = self.record(origin);
        record.was_used = true;
        record.unused = 0;
    }

    /// The connection ended before a call took it, or there was none to be had.
    pub(super) fn died_unused(&mut self, origin: &Origin, now: Instant) {
        let record = self.record(origin);
        record.was_used = false;
        record.unused += 1;
        if record.unused >= MAX_UNUSED {
            record.unused = 0;
            record.rests_until = Some(now + REST);
        }
    }

    /// Another login begins anew. An origin that rests goes on resting.
    pub(super) fn forget_use(&mut self) {
        for record in &mut self.0 {
            record.was_used = false;
        }
    }

    fn record(&mut self, origin: &Origin) -> &mut Record {
        let found = self.0.iter().position(|record| record.origin == *origin);
        let index = found.unwrap_or_else(|| {
            if self.0.len() == MAX_ORIGINS {
                self.0.remove(0);
            }
            self.0.push(Record {
                origin: origin.clone(),
                was_used: false,
                unused: 0,
                rests_until: None,
            });
            self.0.len() - 1
        });
        &mut self.0[index]
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;
    use url::{Origin, Url};

    use super::Occasion::{Call, Login, Turn};
    use super::{REST, Rules};

    fn origin(url: &str) -> Origin {
        Url::parse(url).unwrap().origin()
    }

    #[test]
    fn one_is_opened_after_a_login_and_a_turn_and_after_a_call_if_the_last_was_used() {
        let (mut rules, here, now) = (Rules::default(), origin("https://a"), Instant::now());
        assert!(rules.may_open(&here, Login, now));
        assert!(rules.may_open(&here, Turn, now));
        assert!(!rules.may_open(&here, Call, now), "none was used yet");
        rules.used(&here);
        assert!(rules.may_open(&here, Call, now));
        rules.died_unused(&here, now);
        assert!(!rules.may_open(&here, Call, now));
        assert!(rules.may_open(&here, Turn, now));
        rules.used(&here);
        rules.forget_use();
        assert!(!rules.may_open(&here, Call, now), "that was another login");
    }

    #[test]
    fn after_two_that_died_unused_the_origin_rests() {
        let (mut rules, here, now) = (Rules::default(), origin("https://a"), Instant::now());
        rules.died_unused(&here, now);
        rules.used(&here);
        rules.died_unused(&here, now);
        assert!(
            rules.may_open(&here, Turn, now),
            "they were not two in a row"
        );
        rules.died_unused(&here, now);
        for occasion in [Login, Turn, Call] {
            assert!(!rules.may_open(&here, occasion, now), "{occasion:?}");
        }
        rules.forget_use();
        let almost = now + REST - Duration::from_secs(1);
        assert!(!rules.may_open(&here, Login, almost), "another login waits");
        assert!(rules.may_open(&origin("https://b"), Login, now));
        assert!(rules.may_open(&here, Login, now + REST));
        rules.died_unused(&here, now + REST);
        assert!(rules.may_open(&here, Login, now + REST), "counted anew");
    }
}
