//! One thread: its settings, messages, and the turn in progress.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use byokey_protocol::item::{ThreadItem, UserInput};
use byokey_protocol::open::Open;
use byokey_protocol::thread::{
    self as wire, ThreadStatus, ThreadTokenUsage, TokenUsage, TokenUsageUpdated,
};
use byokey_protocol::turn::{ItemsView, Turn, TurnError, TurnStatus};
use tokio::sync::watch;
use uuid::Uuid;

use super::account::ThreadAccount;
use super::reasoning::ThreadReasoning;
use super::size;
use super::subscribers::Subscribers;
use crate::backend::{ChatItem, ChatMessage, ModelChoice, OwnedReasoning, Role, TurnRequest};
use byokey_auth::AccountIdentity;

/// Longest preview, in characters.
const PREVIEW_LENGTH: usize = 100;

/// A text conversation.
#[derive(Debug)]
pub struct Thread {
    /// A UUID of version 7.
    pub id: String,
    /// The account that it belongs to.
    pub account: ThreadAccount,
    /// The connections that its events go to.
    pub subscribers: Subscribers,
    /// The last lookup of the workspace's routing that it did without.
    went_without: AtomicU64,
    state: Mutex<State>,
}

/// The settings of a thread's turns.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The model.
    pub model: ModelChoice,
    /// Reasoning effort.
    pub effort: Option<String>,
    /// Reasoning summary.
    pub summary: Option<String>,
    /// Working folder.
    pub cwd: String,
    /// Id of the provider.
    pub model_provider: String,
    /// Stored and returned.
    pub approval_policy: Option<serde_json::Value>,
    /// Stored and returned.
    pub sandbox: Option<serde_json::Value>,
    /// Instructions that replace the default ones.
    pub base_instructions: Option<String>,
    /// Additional instructions.
    pub developer_instructions: Option<String>,
}

#[derive(Debug)]
struct State {
    settings: Settings,
    created_at: i64,
    updated_at: i64,
    turns: Vec<Turn>,
    reasoning: ThreadReasoning,
    /// What the items of the turns take.
    conversation_bytes: usize,
    settings_bytes: usize,
    usage: ThreadTokenUsage,
    active: Option<watch::Sender<bool>>,
}

/// Why a turn does not start or stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TurnRefusal {
    /// Another turn is in progress.
    #[error("the thread has a turn in progress; wait for turn/completed or send turn/interrupt")]
    InProgress,
    /// No turn is in progress.
    #[error("no active turn to interrupt")]
    NoneInProgress,
    /// Another turn is in progress than the one to interrupt.
    #[error("another turn is in progress; use the id of the last turn/started")]
    OtherInProgress,
}

impl Thread {
    /// Returns an empty thread.
    #[must_use]
    pub fn new(
        settings: Settings,
        account: ThreadAccount,
        subscribers: Subscribers,
        now: i64,
    ) -> Self {
        let state = State {
            settings_bytes: size::of_settings(&settings),
            settings,
            created_at: now,
            updated_at: now,
            turns: Vec::new(),
            reasoning: ThreadReasoning::default(),
            conversation_bytes: 0,
            usage: ThreadTokenUsage::default(),
            active: None,
        };
        Self {
            id: Uuid::now_v7().to_string(),
            account,
            subscribers,
            went_without: AtomicU64::new(0),
            state: Mutex::new(state),
        }
    }

    /// Returns the settings of its turns.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.state().settings.clone()
    }

    /// Records a lookup of the workspace's routing that a turn did without. Returns whether it is
    /// the first turn to do so.
    pub(super) fn is_first_without(&self, lookup: u64) -> bool {
        self.went_without.swap(lookup, Ordering::Relaxed) != lookup
    }

    /// Changes the settings of later turns.
    pub fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        let mut state = self.state();
        change(&mut state.settings);
        state.settings_bytes = size::of_settings(&state.settings);
    }

    /// Returns the thread as clients see it.
    #[must_use]
    pub fn to_wire(&self, with_turns: bool) -> wire::Thread {
        let state = self.state();
        wire::Thread {
            id: self.id.clone(),
            session_id: self.id.clone(),
            forked_from_id: None,
            preview: preview(&state.turns),
            ephemeral: true,
            model_provider: state.settings.model_provider.clone(),
            model: Some(state.settings.model.name().to_owned()),
            reasoning_effort: state.settings.effort.clone(),
            created_at: state.created_at,
            updated_at: state.updated_at,
            status: status(&state).into(),
            path: None,
            cwd: state.settings.cwd.clone(),
            cli_version: env!("CARGO_PKG_VERSION").to_owned(),
            source: "vscode".to_owned(),
            thread_source: None,
            agent_nickname: None,
            agent_role: None,
            git_info: None,
            name: None,
            turns: if with_turns {
                state.turns.clone()
            } else {
                Vec::new()
            },
        }
    }

    /// Returns how many bytes the conversation and its settings take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let state = self.state();
        state.conversation_bytes + state.settings_bytes
    }

    /// Returns how many bytes the encrypted reasoning takes. It has a limit of its own.
    #[must_use]
    pub fn reasoning_bytes(&self) -> usize {
        self.state().reasoning.size()
    }

    /// Returns when the thread was used last; none while a turn is in progress.
    #[must_use]
    pub fn idle_since(&self) -> Option<i64> {
        let state = self.state();
        state.active.is_none().then_some(state.updated_at)
    }

    /// Returns the thread's status.
    #[must_use]
    pub fn status(&self) -> ThreadStatus {
        status(&self.state())
    }

    /// Begins a turn. The receiver signals an interrupt.
    ///
    /// # Errors
    ///
    /// [`TurnRefusal::InProgress`] while another one runs.
    pub fn begin_turn(
        &self,
        message: ThreadItem,
        now: i64,
    ) -> Result<(Turn, watch::Receiver<bool>), TurnRefusal> {
        let mut state = self.state();
        if state.active.is_some() {
            return Err(TurnRefusal::InProgress);
        }
        let id = Uuid::now_v7().to_string();
        state.conversation_bytes += size::of_item(&message);
        let turn = Turn {
            root_turn_id: id.clone(),
            id,
            items: vec![message.into()],
            items_view: ItemsView::Full.into(),
            status: TurnStatus::InProgress.into(),
            error: None,
            started_at: Some(now),
            completed_at: None,
            duration_ms: None,
        };
        let (stop, stopped) = watch::channel(false);
        state.active = Some(stop);
        state.updated_at = now;
        state.turns.push(turn.clone());
        Ok((without_items(turn), stopped))
    }

    /// Interrupts the turn in progress.
    ///
    /// # Errors
    ///
    /// [`TurnRefusal`] when it is not that turn.
    pub fn interrupt(&self, turn_id: &str) -> Result<(), TurnRefusal> {
        let state = self.state();
        let last = state.turns.last().is_some_and(|turn| turn.id == turn_id);
        match &state.active {
            None => Err(TurnRefusal::NoneInProgress),
            Some(_) if !last => Err(TurnRefusal::OtherInProgress),
            Some(active) => {
                active.send_replace(true);
                Ok(())
            }
        }
    }

    /// Interrupts the turn in progress, if any. The future ends when its end has been reported.
    pub(super) fn stop(&self) -> impl Future<Output = ()> + use<> {
        let active = self.state().active.as_ref().map(|active| {
            active.send_replace(true);
            active.subscribe()
        });
        async move {
            let Some(mut active) = active else { return };
            // Nothing is sent any more: this waits for the sender to be dropped.
            while active.changed().await.is_ok() {}
        }
    }

    /// Adds a message of the model to the turn in progress, with its reasoning.
    pub(super) fn add_message(&self, message: ThreadItem, reasoning: Vec<OwnedReasoning>) {
        let mut state = self.state();
        state.conversation_bytes += size::of_item(&message);
        let State {
            turns,
            reasoning: all,
            ..
        } = &mut *state;
        let Some(turn) = turns.last_mut() else {
            return;
        };
        let item = turn.items.len();
        turn.items.push(message.into());
        let turn = turns.len();
        for reasoning in reasoning {
            all.add((turn, item), reasoning);
        }
    }

    /// Drops the reasoning of another account or another family of models.
    pub(super) fn keep_reasoning_of(&self, account: Option<&AccountIdentity>, model: &str) {
        let mut state = self.state();
        state
            .reasoning
            .retain(|reasoning| reasoning.is_of(account, model));
    }

    /// Drops all reasoning. Returns whether there was any.
    pub(super) fn drop_reasoning(&self) -> bool {
        self.state().reasoning.retain(|_| false)
    }

    /// Adds the token usage of a response.
    pub(super) fn add_usage(&self, last: TokenUsage) -> ThreadTokenUsage {
        let mut state = self.state();
        let total = &mut state.usage.total;
        total.total_tokens = total.total_tokens.saturating_add(last.total_tokens);
        total.input_tokens = total.input_tokens.saturating_add(last.input_tokens);
        total.cached_input_tokens = total
            .cached_input_tokens
            .saturating_add(last.cached_input_tokens);
        total.cache_write_input_tokens = total
            .cache_write_input_tokens
            .saturating_add(last.cache_write_input_tokens);
        total.output_tokens = total.output_tokens.saturating_add(last.output_tokens);
        total.reasoning_output_tokens = total
            .reasoning_output_tokens
            .saturating_add(last.reasoning_output_tokens);
        state.usage.last = last;
        state.usage
    }

    /// Ends the turn in progress. Returns it, and what [`Thread::stop`] waits for: it is dropped
    /// when the end has been reported.
    pub(super) fn end_turn(
        &self,
        status: TurnStatus,
        error: Option<TurnError>,
        now: i64,
        duration_ms: i64,
    ) -> (Option<Turn>, Option<watch::Sender<bool>>) {
        self.subscribers.turn_ended();
        let mut state = self.state();
        let active = state.active.take();
        state.updated_at = now;
        let Some(turn) = state.turns.last_mut() else {
            return (None, active);
        };
        turn.status = status.into();
        turn.error = error;
        turn.completed_at = Some(now);
        turn.duration_ms = Some(duration_ms);
        let ended = match status {
            TurnStatus::Completed => with_last_message(turn.clone()),
            _ => without_items(turn.clone()),
        };
        (Some(ended), active)
    }

    /// Returns the token usage so far, and the turn after which it was counted; `None` before the
    /// first count.
    #[must_use]
    pub fn usage(&self) -> Option<TokenUsageUpdated> {
        let state = self.state();
        let turn = state.turns.last()?;
        (state.usage != ThreadTokenUsage::default()).then(|| TokenUsageUpdated {
            thread_id: self.id.clone(),
            turn_id: turn.id.clone(),
            token_usage: state.usage,
        })
    }

    /// Returns the whole conversation as a model request.
    pub(super) fn request(&self) -> TurnRequest {
        let state = self.state();
        let settings = state.settings.clone();
        TurnRequest {
            thread_id: self.id.clone(),
            model: settings.model.into_name(),
            base_instructions: settings.base_instructions,
            developer_instructions: settings.developer_instructions,
            effort: settings.effort,
            summary: settings.summary,
            conversation: conversation(&state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn status(state: &State) -> ThreadStatus {
    let failed = |turn: &Turn| turn.status == TurnStatus::Failed;
    match state.active {
        Some(_) => ThreadStatus::Active {
            active_flags: Vec::new(),
        },
        None if state.turns.last().is_some_and(failed) => ThreadStatus::SystemError,
        None => ThreadStatus::Idle,
    }
}

/// Omits the items of a turn without an answer, as codex does.
fn without_items(turn: Turn) -> Turn {
    Turn {
        items: Vec::new(),
        items_view: ItemsView::NotLoaded.into(),
        ..turn
    }
}

/// Adds the answer to the end of a turn, as codex does.
fn with_last_message(turn: Turn) -> Turn {
    let is_answer =
        |item: &Open<ThreadItem>| matches!(item, Open::Known(ThreadItem::AgentMessage { .. }));
    Turn {
        items: turn
            .items
            .into_iter()
            .rfind(is_answer)
            .into_iter()
            .collect(),
        items_view: ItemsView::Summary.into(),
        ..turn
    }
}

/// Returns the conversation so far, with each item of reasoning before the message that it led to.
fn conversation(state: &State) -> Vec<ChatItem> {
    let mut conversation = Vec::new();
    for (turn, number) in state.turns.iter().zip(1..) {
        for (place, item) in turn.items.iter().enumerate() {
            let Some(item) = item.known() else { continue };
            let reasoning = state.reasoning.before((number, place));
            conversation.extend(reasoning.map(ChatItem::Reasoning));
            conversation.push(ChatItem::Message(message(item)));
        }
    }
    conversation
}

fn message(item: &ThreadItem) -> ChatMessage {
    match item {
        ThreadItem::UserMessage { content, .. } => ChatMessage {
            role: Role::User,
            texts: texts(content).map(str::to_owned).collect(),
            id: None,
            phase: None,
        },
        ThreadItem::AgentMessage {
            id, text, phase, ..
        } => ChatMessage {
            role: Role::Assistant,
            texts: vec![text.clone()],
            id: Some(id.clone()),
            phase: phase.clone(),
        },
    }
}

fn texts(content: &[UserInput]) -> impl Iterator<Item = &str> {
    content.iter().filter_map(|input| match input {
        UserInput::Text { text, .. } => Some(text.as_str()),
        _ => None,
    })
}

fn preview(turns: &[Turn]) -> String {
    let first = turns
        .iter()
        .flat_map(|turn| &turn.items)
        .filter_map(Open::known)
        .find_map(|item| match item {
            ThreadItem::UserMessage { content, .. } => texts(content).next(),
            ThreadItem::AgentMessage { .. } => None,
        });
    first
        .unwrap_or_default()
        .chars()
        .take(PREVIEW_LENGTH)
        .collect()
}
