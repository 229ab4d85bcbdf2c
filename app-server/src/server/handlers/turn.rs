//! `turn/start` and `turn/interrupt`.

use byokey_protocol::empty::Empty;
use byokey_protocol::error::ErrorKind;
use byokey_protocol::item::{ThreadItem, UserInput};
use byokey_protocol::turn::{Turn, TurnInterruptParams, TurnStartParams, TurnStartResult};
use uuid::Uuid;

use super::thread::{NotFoundTexts, check_length, find_thread, length, refuse_if};
use crate::backend::ModelChoice;
use crate::config::Config;
use crate::server::error::RequestError;
use crate::server::reply::{Context, Outcome, Reply};
use crate::server::services::Services;
use crate::threads::{NoRoom, Thread, TurnRefusal, TurnRunner, size};
use byokey_auth::Lease;

const UNFINDABLE: NotFoundTexts = NotFoundTexts {
    invalid: "invalid thread id",
    missing: "thread not found:",
};

pub(crate) fn turn_start(context: &Context, params: TurnStartParams) -> Outcome<TurnStartResult> {
    check_lengths(&params)?;
    refuse_if(
        params.output_schema.is_some_and(|schema| !schema.is_null()),
        "outputSchema",
    )?;
    refuse_if(
        params
            .collaboration_mode
            .is_some_and(|mode| !mode.is_null()),
        "collaborationMode",
    )?;
    for input in &params.input {
        refuse_input(input)?;
    }
    let services = &context.services;
    let thread = find_thread(context, &params.thread_id, &UNFINDABLE)?;
    refuse_other_provider(&thread, &services.config())?;
    check_account(services, &thread)?;
    let message = ThreadItem::UserMessage {
        id: Uuid::now_v7().to_string(),
        client_id: params.client_id,
        content: params.input,
    };
    let no_room = |no_room: NoRoom| {
        let kind = match no_room {
            NoRoom::Conversation => ErrorKind::ContextWindowExceeded,
            NoRoom::Server => return RequestError::overloaded(),
        };
        RequestError::refused(kind, no_room.to_string())
    };
    let refused = |refusal| RequestError::refused(kind(refusal), refusal.to_string());
    // Room is made at the expense of other threads, so not for a turn that is refused.
    if thread.idle_since().is_none() {
        return Err(refused(TurnRefusal::InProgress));
    }
    let overloaded = RequestError::overloaded;
    let counted = context.peer.count_turn().ok_or_else(overloaded)?;
    let running = services.threads.running_turn().ok_or_else(overloaded)?;
    let more = size::of_item(&message);
    services.threads.make_room(&thread, more).map_err(no_room)?;
    let begun = thread.begin_turn(message.clone(), services.clock.unix_seconds());
    let (turn, stopped) = begun.map_err(refused)?;
    thread.change_settings(|settings| {
        if let Some(model) = params.model {
            settings.model = ModelChoice::Final(model);
        }
        settings.effort = params.effort.or(settings.effort.take());
        settings.summary = params.summary.or(settings.summary.take());
    });
    let result = TurnStartResult {
        turn: Turn {
            started_at: None,
            ..turn.clone()
        },
    };
    let runner = TurnRunner {
        thread,
        turn,
        message,
        stopped,
        peers: services.peers.clone(),
        backend: services.backend.clone(),
        auth: services.auth.clone(),
        clock: services.clock.clone(),
    };
    Ok(Reply::then(result, move |context| {
        let (services, thread) = (context.services.clone(), runner.thread.clone());
        drop(tokio::spawn(async move {
            runner.run().await;
            // The answer may be long. A thread that is over the limit now gets no further turn.
            if let Err(no_room) = services.threads.make_room(&thread, 0) {
                tracing::debug!("{no_room}");
            }
            services.threads.sweep();
            drop((running, counted));
        }));
    }))
}

/// Refuses what is too long to be kept.
fn check_lengths(params: &TurnStartParams) -> Result<(), RequestError> {
    let texts = params.input.iter().map(|input| match input {
        UserInput::Text { text, .. } => size::of_text(text),
        _ => 0,
    });
    let input: usize = texts.sum();
    for (member, length, most) in [
        ("input", input, size::MAX_TEXT),
        ("model", length(params.model.as_ref()), size::MAX_NAME),
        ("effort", length(params.effort.as_ref()), size::MAX_NAME),
        ("summary", length(params.summary.as_ref()), size::MAX_NAME),
        (
            "clientUserMessageId",
            length(params.client_id.as_ref()),
            size::MAX_NAME,
        ),
    ] {
        check_length(member, length, most)?;
    }
    Ok(())
}

/// A conversation with one provider is not sent to another, in case the configuration was read
/// again meanwhile.
fn refuse_other_provider(thread: &Thread, config: &Config) -> Result<(), RequestError> {
    if thread.settings().model_provider == config.provider.id {
        return Ok(());
    }
    Err(RequestError::refused(
        ErrorKind::ConfigurationInvalid,
        "the thread was started with another model provider; start a new thread",
    ))
}

pub(crate) fn turn_interrupt(context: &Context, params: TurnInterruptParams) -> Outcome<Empty> {
    find_thread(context, &params.thread_id, &UNFINDABLE)?
        .interrupt(&params.turn_id)
        .map_err(|refusal| RequestError::refused(kind(refusal), refusal.to_string()))?;
    Ok(Empty {}.into())
}

/// Refuses to continue a conversation under another account.
fn check_account(services: &Services, thread: &Thread) -> Result<(), RequestError> {
    let lease = services.auth.lease();
    let admits = |lease: Option<&Lease>| thread.account.admits(lease);
    let admitted = services.backend.check_admission(lease.as_ref(), &admits);
    admitted.map_err(|failure| RequestError::refused(failure.data().kind, failure.to_string()))
}

fn refuse_input(input: &UserInput) -> Result<(), RequestError> {
    let kind = match input {
        UserInput::Text { .. } => return Ok(()),
        UserInput::Image {} => "image",
        UserInput::LocalImage {} => "localImage",
        UserInput::Skill {} => "skill",
        UserInput::Mention {} => "mention",
        UserInput::Unknown => "of this type",
    };
    refuse_if(true, &format!("input {kind}"))
}

const fn kind(refusal: TurnRefusal) -> ErrorKind {
    match refusal {
        TurnRefusal::InProgress => ErrorKind::TurnInProgress,
        TurnRefusal::NoneInProgress | TurnRefusal::OtherInProgress => ErrorKind::NotFound,
    }
}
