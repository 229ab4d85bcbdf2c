//! `thread/start`, `thread/resume` and `thread/loaded/list`.

use std::sync::Arc;

use byokey_protocol::error::{ErrorKind, TOO_LARGE};
use byokey_protocol::methods::{
    ThreadStartedNotification, TokenUsageUpdatedNotification, WarningNotification,
};
use byokey_protocol::thread::{
    ThreadLoadedListParams, ThreadLoadedListResult, ThreadResumeParams, ThreadStartParams,
    ThreadStartResult, ThreadStarted,
};
use byokey_protocol::warning::Warning;
use serde_json::json;
use uuid::Uuid;

use super::thread_config;
use crate::backend::ModelChoice;
use crate::config::Stops;
use crate::server::error::RequestError;
use crate::server::reply::{Context, Outcome, Reply};
use crate::threads::{Settings, Subscribers, Thread, ThreadAccount, size};

pub(crate) fn thread_start(
    context: &Context,
    params: ThreadStartParams,
) -> Result<impl Future<Output = Outcome<ThreadStartResult>> + use<>, RequestError> {
    let configuration = context.services.check_configuration(Stops::ModelCalls)?;
    let provider = &configuration.provider.id;
    refuse_if(
        params.dynamic_tools.is_some_and(|tools| !tools.is_empty()),
        "dynamicTools",
    )?;
    let other_provider = params
        .model_provider
        .is_some_and(|wanted| wanted != *provider);
    refuse_if(other_provider, "modelProvider")?;
    check_lengths([
        ("model", &params.model, size::MAX_NAME),
        ("cwd", &params.cwd, size::MAX_PATH),
        (
            "baseInstructions",
            &params.base_instructions,
            size::MAX_TEXT,
        ),
        (
            "developerInstructions",
            &params.developer_instructions,
            size::MAX_TEXT,
        ),
    ])?;
    let mut settings = Settings {
        cwd: whole_path(params.cwd.as_deref().unwrap_or(".")),
        model_provider: provider.clone(),
        approval_policy: params.approval_policy,
        sandbox: params.sandbox,
        base_instructions: params.base_instructions,
        developer_instructions: params.developer_instructions,
        ..Settings::default()
    };
    let mut model = params.model;
    let config = params.config.unwrap_or_default();
    let ignored = thread_config::apply(config, provider, &mut settings, &mut model)?;
    check_lengths([
        ("config.model", &model, size::MAX_NAME),
        (
            "config.model_reasoning_effort",
            &settings.effort,
            size::MAX_NAME,
        ),
        (
            "config.model_reasoning_summary",
            &settings.summary,
            size::MAX_NAME,
        ),
        (
            "config.developer_instructions",
            &settings.developer_instructions,
            size::MAX_TEXT,
        ),
    ])?;
    let (services, mut lease) = (context.services.clone(), context.services.auth.lease());
    let owner = context.peer.id;
    // A repair of the configuration may just have restored the stored login.
    let settled = services.start.settled();
    Ok(async move {
        if let Some(settled) = settled {
            settled.await;
            lease = services.auth.lease();
        }
        let account = ThreadAccount::new(owner, lease.as_ref());
        settings.model = match model {
            Some(model) => ModelChoice::Final(model),
            None => {
                let model = services.backend.default_model(lease).await;
                model.map_err(|error| {
                    RequestError::failed(format!("no model to use: {error}"), error.data())
                })?
            }
        };
        let subscribers = Subscribers::new(owner);
        let now = services.clock.unix_seconds();
        let thread = Thread::new(settings, account, subscribers, now);
        let thread = services.threads.insert(thread);
        let thread = thread.map_err(|_| RequestError::overloaded())?;
        Ok(started(describe(&thread, false), ignored.warning()))
    })
}

/// Returns the reply of a started thread, with the notifications that follow it.
fn started(result: ThreadStartResult, warning: Option<String>) -> Reply<ThreadStartResult> {
    let started = ThreadStarted {
        thread: result.thread.clone(),
    };
    let warning = warning.map(|message| Warning {
        thread_id: Some(started.thread.id.clone()),
        message,
    });
    Reply::then(result, move |context| {
        let peers = &context.services.peers;
        peers.notify::<ThreadStartedNotification>(&started);
        if let Some(warning) = warning {
            context.peer.notify::<WarningNotification>(&warning);
        }
    })
}

/// Returns the absolute path, in codex's form. The file system is not accessed.
fn whole_path(path: &str) -> String {
    std::path::absolute(path).map_or_else(
        |_| path.to_owned(),
        |whole| whole.to_string_lossy().into_owned(),
    )
}

pub(crate) fn thread_resume(
    context: &Context,
    params: ThreadResumeParams,
) -> Outcome<ThreadStartResult> {
    refuse_if(params.history.is_some(), "history")?;
    refuse_if(params.path.is_some(), "path")?;
    let words = NotFoundTexts {
        invalid: "invalid session id",
        missing: "no rollout found for thread id",
    };
    let thread = find_thread(context, &params.thread_id, &words)?;
    check_length("model", length(params.model.as_ref()), size::MAX_NAME)?;
    if let Some(model) = params.model {
        thread.change_settings(|settings| settings.model = ModelChoice::Final(model));
    }
    thread.subscribers.join(context.peer.id);
    let usage = thread.usage();
    Ok(Reply::then(describe(&thread, true), move |context| {
        if let Some(usage) = usage {
            context.peer.notify::<TokenUsageUpdatedNotification>(&usage);
        }
    }))
}

pub(crate) fn thread_loaded_list(
    context: &Context,
    params: ThreadLoadedListParams,
) -> Outcome<ThreadLoadedListResult> {
    let ids = context.services.threads.ids();
    let start = match &params.cursor {
        None => 0,
        Some(cursor) => ids
            .iter()
            .position(|id| id == cursor)
            .map_or(ids.len(), |at| at + 1),
    };
    let limit = params.limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit.max(1)).unwrap_or(1)
    });
    let end = start.saturating_add(limit).min(ids.len());
    let data: Vec<_> = ids.get(start..end).unwrap_or_default().to_vec();
    let next_cursor = data.last().filter(|_| end < ids.len()).cloned();
    Ok(ThreadLoadedListResult { data, next_cursor }.into())
}

fn describe(thread: &Thread, with_turns: bool) -> ThreadStartResult {
    let settings = thread.settings();
    ThreadStartResult {
        thread: thread.to_wire(with_turns),
        model: settings.model.into_name(),
        model_provider: settings.model_provider,
        service_tier: None,
        cwd: settings.cwd,
        instruction_sources: Vec::new(),
        approval_policy: settings.approval_policy.unwrap_or_else(|| json!("never")),
        approvals_reviewer: "user".to_owned(),
        sandbox: json!({"type": "readOnly", "networkAccess": false}),
        reasoning_effort: settings.effort,
    }
}

/// Refuses texts that are longer than they may be: the member, its text, and the maximum.
fn check_lengths<const N: usize>(
    texts: [(&str, &Option<String>, usize); N],
) -> Result<(), RequestError> {
    let mut texts = texts.into_iter();
    texts.try_for_each(|(member, text, most)| check_length(member, length(text.as_ref()), most))
}

/// Refuses a member that is longer than it may be.
pub(super) fn check_length(member: &str, length: usize, most: usize) -> Result<(), RequestError> {
    if length > most {
        return Err(RequestError::invalid_params(member, TOO_LARGE));
    }
    Ok(())
}

/// Returns the length of a text in JSON.
pub(super) fn length(text: Option<&String>) -> usize {
    text.map_or(0, |text| size::of_text(text))
}

/// Refuses a member that requests an unsupported feature of threads.
pub(super) fn refuse_if(given: bool, member: &str) -> Result<(), RequestError> {
    if !given {
        return Ok(());
    }
    let message = format!("`{member}` is not supported: threads here are text in, text out");
    Err(RequestError::refused(ErrorKind::Unsupported, message))
}

/// Returns the thread of that id, with an error in the words that codex uses in this method. The id
/// is quoted only if it is valid.
pub(super) fn find_thread(
    context: &Context,
    id: &str,
    words: &NotFoundTexts,
) -> Result<Arc<Thread>, RequestError> {
    check_id(id, words.invalid)?;
    let thread = context.services.threads.get(id);
    thread.ok_or_else(|| words.missing(id))
}

/// Refuses an invalid id of a thread, with this text.
pub(super) fn check_id(id: &str, invalid: &str) -> Result<(), RequestError> {
    match Uuid::try_parse(id) {
        Ok(_) => Ok(()),
        Err(_) => Err(not_found(invalid.to_owned())),
    }
}

fn not_found(message: String) -> RequestError {
    RequestError::refused(ErrorKind::NotFound, message)
}

/// The error texts for a missing thread.
pub(super) struct NotFoundTexts {
    /// For an invalid id.
    pub(super) invalid: &'static str,
    /// Before the id of an unknown thread.
    pub(super) missing: &'static str,
}

impl NotFoundTexts {
    /// Returns the error for an unknown thread with a valid id.
    pub(super) fn missing(&self, id: &str) -> RequestError {
        not_found(format!("{} {id}", self.missing))
    }
}
