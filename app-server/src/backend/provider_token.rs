//! The token of a provider's command: stored until it is too old or refused, and replaced by one run
//! for all calls that wait (single flight).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use byokey_protocol::secret::Secret;
use tokio::sync::watch;
use tokio::time::Instant;

use super::{Backend, BackendError, Call, Renewal, Service};
use crate::config::TokenCommand;
use crate::process::token_commands::{Problem, Runner, TokenCommandFailure};

/// How long a failed command is not run again: the calls of that time fail as the last one did.
const FAILURE_PAUSE: Duration = Duration::from_secs(3);

/// The tokens of the selected provider's command. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct ProviderTokens {
    runner: Arc<Runner>,
    state: Arc<Mutex<State>>,
}

/// A token that a command printed.
#[derive(Clone, Debug)]
pub(super) struct ProviderToken {
    pub(super) secret: Arc<Secret>,
    /// The id of the provider that it is for.
    pub(super) provider: String,
    /// Counts the tokens of this process.
    number: u64,
    printed_at: Instant,
}

/// The outcome of a run, once there is one.
type Run = watch::Receiver<Option<Result<ProviderToken, TokenCommandFailure>>>;

#[derive(Debug, Default)]
struct State {
    /// The id of the provider that the rest is about.
    provider: String,
    held: Option<ProviderToken>,
    last_number: u64,
    running: Option<Run>,
    failed: Option<(Instant, TokenCommandFailure)>,
}

impl ProviderTokens {
    pub(super) fn new(runner: Runner) -> Self {
        Self {
            runner: Arc::new(runner),
            state: Arc::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether a call with this token would be refused, or its token is too old: another one
    /// has taken its place, or none.
    pub(super) fn is_replaced(&self, token: &ProviderToken) -> bool {
        let state = self.state();
        state.held.as_ref().map(|held| held.number) != Some(token.number)
    }

    /// Returns the stored token, or that of a run. One with the number of the refused token is not
    /// used any more.
    async fn get(
        &self,
        id: &str,
        command: &TokenCommand,
        refused: Option<u64>,
    ) -> Result<ProviderToken, TokenCommandFailure> {
        let mut run = {
            let mut state = self.state();
            if state.provider != id {
                let last_number = state.last_number;
                *state = State {
                    provider: id.to_owned(),
                    last_number,
                    ..State::default()
                };
            }
            state
                .held
                .take_if(|held| refused == Some(held.number) || is_old(held, command));
            if let Some(held) = &state.held {
                return Ok(held.clone());
            }
            match (&state.running, &state.failed) {
                (Some(run), _) => run.clone(),
                (None, Some((at, failure))) if at.elapsed() < FAILURE_PAUSE => {
                    return Err(failure.clone());
                }
                (None, _) => {
                    let run = self.start(id, command);
                    state.running = Some(run.clone());
                    run
                }
            }
        };
        let ended = run.wait_for(Option::is_some).await;
        let outcome = ended.ok().and_then(|outcome| outcome.clone());
        outcome.unwrap_or_else(|| {
            Err(TokenCommandFailure {
                provider: command.provider.clone(),
                problem: Problem::NoRunner,
            })
        })
    }

    /// Runs the command in a task: the calls that wait may all be given up.
    fn start(&self, id: &str, command: &TokenCommand) -> Run {
        let (ended, run) = watch::channel(None);
        let (tokens, id, command) = (self.clone(), id.to_owned(), command.clone());
        tokio::spawn(async move {
            let failed = |problem| TokenCommandFailure {
                provider: command.provider.clone(),
                problem,
            };
            let printed = match &*tokens.runner {
                Runner::Started(commands) => commands.run(&id, &command).await,
                Runner::Failed => Err(failed(Problem::NoRunner)),
                // There was no command at the start.
                Runner::Unneeded => Err(failed(Problem::NotOfTheStart)),
            };
            let mut state = tokens.state();
            state.last_number += 1;
            let outcome = printed.map(|secret| ProviderToken {
                secret: Arc::new(secret),
                number: state.last_number,
                printed_at: Instant::now(),
                provider: id.clone(),
            });
            if state.provider == id {
                state.running = None;
                state.held = outcome.as_ref().ok().cloned();
                let failure = outcome.as_ref().err();
                state.failed = failure.map(|failure| (Instant::now(), failure.clone()));
            }
            ended.send_replace(Some(outcome));
        });
        run
    }
}

fn is_old(held: &ProviderToken, command: &TokenCommand) -> bool {
    let interval = command.refresh_interval;
    interval.is_some_and(|interval| held.printed_at.elapsed() >= interval)
}

impl Backend {
    /// Returns the token that a call carries, if its provider has a command. `refused` is the one that
    /// a 401 refused; that it is replaced is reported to the call.
    ///
    /// # Errors
    ///
    /// [`TokenCommandFailure`]: the call must not be sent without it.
    pub(super) async fn provider_token(
        &self,
        call: &Call<'_>,
        refused: Option<&ProviderToken>,
    ) -> Result<Option<ProviderToken>, BackendError> {
        let config = self.config();
        let provider = &config.provider;
        let Some(command) = &provider.token_command else {
            return Ok(None);
        };
        if call.service != Service::Models {
            return Ok(None);
        }
        // What the configuration stops needs no token.
        config.check(crate::config::Stops::ModelCalls)?;
        let reports = refused.filter(|refused| !self.provider_tokens.is_replaced(refused));
        let on_renewal = call.on_renewal.filter(|_| reports.is_some());
        if let Some(on_renewal) = on_renewal {
            on_renewal(Renewal::Started);
        }
        let refused = refused.map(|refused| refused.number);
        let token = self.provider_tokens.get(&provider.id, command, refused);
        let token = token.await?;
        if let Some(on_renewal) = on_renewal {
            on_renewal(Renewal::Completed);
        }
        Ok(Some(token))
    }
}
