//! The calls in flight: what they ask, and what came back.
//!
//! jsonrpsee's client numbers them and finds who waits, but it writes to its log whatever it
//! sees, tokens too. So it only ever sees the number of a call, in place of the parameters, and an
//! empty result; what is really said passes beside it, through this table.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What the server answered: a result or an error.
pub(crate) type Answer = Result<Box<RawValue>, Box<RawValue>>;

/// The calls in flight.
#[derive(Default)]
pub(crate) struct Calls(Mutex<State>);

#[derive(Default)]
struct State {
    last: i64,
    calls: HashMap<i64, Call>,
}

struct Call {
    params: Box<RawValue>,
    /// The number that jsonrpsee gave it; none as long as it is not on the line.
    id: Option<u64>,
    answer: Option<Answer>,
    given_up: bool,
}

/// A request as jsonrpsee writes it.
#[derive(Deserialize)]
pub(crate) struct Outgoing<'a> {
    id: u64,
    method: &'a str,
    params: i64,
}

/// A message to the server. The header has it put the header into its own messages, too.
#[derive(Serialize)]
pub(crate) struct Message<'a, T> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i64>,
    method: &'a str,
    params: T,
}

impl Calls {
    /// Begins a call, and numbers it.
    pub(crate) fn begin(&self, params: Box<RawValue>) -> i64 {
        let mut state = self.state();
        state.last += 1;
        let number = state.last;
        let call = Call {
            params,
            id: None,
            answer: None,
            given_up: false,
        };
        state.calls.insert(number, call);
        number
    }

    /// What to write for a request of jsonrpsee's: the request itself, and its cancellation if it
    /// was given up before it was written.
    pub(crate) fn send(&self, outgoing: &Outgoing<'_>) -> Vec<Vec<u8>> {
        let number = outgoing.params;
        let mut state = self.state();
        let Some(call) = state.calls.get_mut(&number) else {
            return Vec::new();
        };
        call.id = Some(outgoing.id);
        let mut lines = vec![line(&Message {
            jsonrpc: "2.0",
            id: Some(number),
            method: outgoing.method,
            params: &call.params,
        })];
        call.params = Box::default();
        if call.given_up {
            lines.push(cancellation(number));
        }
        lines
    }

    /// Keeps an answer, and gives the number by which jsonrpsee knows the call. None if nobody
    /// asked, or if it is the second answer.
    pub(crate) fn answered(&self, number: i64, answer: Answer) -> Option<u64> {
        let mut state = self.state();
        let call = state.calls.get_mut(&number)?;
        if call.answer.is_some() {
            return None;
        }
        let id = call.id?;
        call.answer = Some(answer);
        if call.given_up {
            state.calls.remove(&number);
        }
        Some(id)
    }

    /// Ends a call whose answer is there.
    pub(crate) fn take(&self, number: i64) -> Option<Answer> {
        self.state().calls.remove(&number)?.answer
    }

    /// Gives a call up. The line tells the server; there is none if it was answered or is not yet
    /// written.
    pub(crate) fn give_up(&self, number: i64) -> Option<Vec<u8>> {
        let mut state = self.state();
        let call = state.calls.get_mut(&number)?;
        if call.answer.is_some() {
            state.calls.remove(&number);
            return None;
        }
        call.given_up = true;
        call.id.map(|_| cancellation(number))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line for a notification.
pub(crate) fn notification(method: &str, params: impl Serialize) -> Vec<u8> {
    line(&Message {
        jsonrpc: "2.0",
        id: None,
        method,
        params,
    })
}

fn cancellation(number: i64) -> Vec<u8> {
    notification("$/cancelRequest", serde_json::json!({ "id": number }))
}

/// One message as a line.
pub(crate) fn line(message: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(message).unwrap_or_default();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::{Calls, Outgoing};

    #[test]
    fn only_the_first_answer_to_a_call_in_flight_counts() {
        let calls = Calls::default();
        let number = calls.begin(Box::default());
        assert_eq!(
            calls.answered(number, Ok(Box::default())),
            None,
            "nobody asked yet"
        );
        let outgoing = Outgoing {
            id: 7,
            method: "method",
            params: number,
        };
        assert_eq!(calls.send(&outgoing).len(), 1);
        assert_eq!(calls.answered(number + 1, Ok(Box::default())), None);
        assert_eq!(calls.answered(number, Ok(Box::default())), Some(7));
        assert_eq!(calls.answered(number, Err(Box::default())), None);
        assert!(calls.take(number).is_some_and(|answer| answer.is_ok()));
        assert_eq!(calls.answered(number, Ok(Box::default())), None);
    }
}
