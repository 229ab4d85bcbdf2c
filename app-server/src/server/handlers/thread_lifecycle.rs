//! `thread/read`, `thread/unsubscribe` and `thread/delete`.

use std::sync::Arc;

use byokey_protocol::empty::Empty;
use byokey_protocol::thread_lifecycle::{
    ThreadDeleteParams, ThreadReadParams, ThreadReadResult, ThreadUnsubscribeParams,
    ThreadUnsubscribeResult,
};

use super::thread::{NotFoundTexts, check_id, find_thread};
use crate::server::error::RequestError;
use crate::server::reply::{Context, Outcome, Reply};
use crate::threads::Thread;

const INVALID_ID: &str = "invalid thread id";

pub(crate) fn thread_read(
    context: &Context,
    params: ThreadReadParams,
) -> Outcome<ThreadReadResult> {
    let words = NotFoundTexts {
        invalid: INVALID_ID,
        missing: "thread not loaded:",
    };
    let thread = find_own_thread(context, &params.thread_id, &words)?;
    let result = ThreadReadResult {
        thread: thread.to_wire(params.include_turns),
        read_state: None,
    };
    Ok(result.into())
}

pub(crate) fn thread_unsubscribe(
    context: &Context,
    params: ThreadUnsubscribeParams,
) -> Outcome<ThreadUnsubscribeResult> {
    check_id(&params.thread_id, INVALID_ID)?;
    let services = &context.services;
    let delay = services.config().thread_unload_delay;
    let peer = context.peer.id;
    let status = services.threads.unsubscribe(&params.thread_id, peer, delay);
    let result = ThreadUnsubscribeResult {
        status: status.into(),
    };
    Ok(Reply::then(result, |context| {
        context.services.threads.sweep();
    }))
}

pub(crate) fn thread_delete(
    context: &Context,
    params: ThreadDeleteParams,
) -> Result<impl Future<Output = Outcome<Empty>> + use<>, RequestError> {
    let words = NotFoundTexts {
        invalid: INVALID_ID,
        missing: "no rollout found for thread id",
    };
    let thread = find_own_thread(context, &params.thread_id, &words)?;
    let deleted = context.services.threads.delete(&thread);
    // The deleted conversation is not held while its turn ends.
    drop(thread);
    Ok(async move {
        let deletion = deleted.await;
        Ok(Reply::then(Empty {}, move |_| drop(deletion)))
    })
}

/// Returns the thread of that id, if this connection started or resumed it. To any other connection
/// it is unknown.
fn find_own_thread(
    context: &Context,
    id: &str,
    words: &NotFoundTexts,
) -> Result<Arc<Thread>, RequestError> {
    find_thread(context, id, words).and_then(|thread| {
        let is_own = thread.subscribers.has_joined(context.peer.id);
        if is_own {
            Ok(thread)
        } else {
            Err(words.missing(id))
        }
    })
}
