//! Standby connections: one connection, opened ahead of the call that will need it.
//!
//! A call over a new TLS connection waits three round trips: TCP, TLS, and its own. A standby
//! connection has done the first two. It has never carried a secret of a credential (a proxy's own
//! authorization is sent while a tunnel is opened, as for any call), and it ends with the call that
//! takes it, like every connection: nothing that carried a bearer is kept.
//!
//! There is at most one, to the origin that the login in force uses. It lives for a minute, and
//! nothing renews it. `rules` decides when one is opened, `open` opens it, `watched` throws it away
//! when the server speaks before its turn, `age` when the clock jumped.

mod age;
mod open;
mod rules;
mod watched;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use reqwest::ClientBuilder;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use url::{Origin, Url};

use crate::connection::{Connections, Running, Sender};
use crate::way::Way;
use age::Age;
pub use rules::Occasion;
use rules::Rules;

/// How long a standby connection waits for its call.
pub const STANDBY_LIFETIME: Duration = Duration::from_secs(60);

/// What a connection leads to, and which way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) way: Way,
    pub(crate) origin: Origin,
}

/// The place for the one standby connection.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    state: Mutex<State>,
    /// How long a connection waits; none where there are no standby connections.
    lifetime: Option<Duration>,
    /// All that are open, those of calls included.
    pub(crate) connections: Connections,
}

#[derive(Debug, Default)]
struct State {
    /// Whether there is a login that may need one.
    is_wanted: bool,
    /// Grows whenever the login is replaced by that of another account.
    era: u64,
    /// Numbers the connections.
    opened: u64,
    opening: Option<Opening>,
    ready: Option<Ready>,
    rules: Rules,
}

#[derive(Debug)]
struct Opening {
    number: u64,
    target: Target,
    task: AbortHandle,
}

/// A connection that waits. Without this value its task ends, and the connection with it.
struct Ready {
    number: u64,
    target: Target,
    sender: Sender,
    is_taken: Arc<AtomicBool>,
    taken: oneshot::Sender<()>,
    age: Age,
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// The task of a connection that waits.
struct Waiting {
    number: u64,
    connection: Running,
    taken: oneshot::Receiver<()>,
    lifetime: Duration,
}

impl Slot {
    pub(crate) fn new(lifetime: Option<Duration>) -> Self {
        Self {
            lifetime,
            ..Self::default()
        }
    }

    /// Returns which login is in force, as far as connections are concerned: a number that grows with
    /// [`Slot::end`].
    pub(crate) fn era(&self) -> u64 {
        self.state().era
    }

    /// A login is in force.
    pub(crate) fn want(&self) {
        self.state().is_wanted = true;
    }

    /// The login is gone, or is that of another account now.
    pub(crate) fn end(&self) {
        let mut state = self.state();
        state.is_wanted = false;
        state.era += 1;
        state.rules.forget_use();
        state.end();
    }

    /// Returns the connection, if it leads there and is alive.
    pub(crate) fn take(&self, target: &Target) -> Option<Sender> {
        let lifetime = self.lifetime?;
        let mut state = self.state();
        let ready = state.ready.take_if(|ready| ready.target == *target)?;
        let is_dead = ready.age.is_over(lifetime) || ready.sender.is_closed();
        // Set first: from now on an answer is expected.
        ready.is_taken.store(true, Ordering::Release);
        if is_dead || ready.taken.send(()).is_err() {
            state.rules.died_unused(&target.origin, Instant::now());
            return None;
        }
        Some(ready.sender)
    }

    /// The connection that was taken brought an answer.
    pub(crate) fn used(&self, target: &Target) {
        self.state().rules.used(&target.origin);
    }

    /// The connection that was taken turned out to be dead.
    pub(crate) fn was_dead(&self, target: &Target) {
        let mut state = self.state();
        state.rules.died_unused(&target.origin, Instant::now());
    }

    /// Opens a connection in a task of its own, if the rules ask for one.
    /// `connector` is what connects there, made in that task: it may have to read certificates.
    pub(crate) fn open(
        self: &Arc<Self>,
        target: Target,
        url: Url,
        era: u64,
        occasion: Occasion,
        connector: impl FnOnce() -> Option<ClientBuilder> + Send + 'static,
    ) {
        if !cfg!(feature = "standby") {
            return;
        }
        // Outside a runtime there is no task, and no call that could use it.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let mut state = self.state();
        let is_current = state.is_wanted && state.era == era && self.lifetime.is_some();
        if !is_current || state.leads_to(&target) {
            return;
        }
        // The calls go elsewhere now, even if the rules want no connection there.
        state.end();
        if !state
            .rules
            .may_open(&target.origin, occasion, Instant::now())
        {
            return;
        }
        state.opened += 1;
        let number = state.opened;
        let (slot, connections) = (Arc::downgrade(self), self.connections.clone());
        // The task waits for the lock that is held here, so it finds itself in the slot.
        let task = runtime.spawn(async move {
            let opened = match connector() {
                Some(builder) => open::open(builder, url, &connections).await,
                None => None,
            };
            let waiting = slot.upgrade().and_then(|slot| slot.opened(number, opened));
            if let Some(waiting) = waiting {
                waiting.run(slot).await;
            }
        });
        state.opening = Some(Opening {
            number,
            target,
            task: task.abort_handle(),
        });
    }

    /// Puts an opened connection into the slot.
    fn opened(&self, number: u64, opened: Option<open::Opened>) -> Option<Waiting> {
        let lifetime = self.lifetime?;
        let mut state = self.state();
        let opening = state.opening.take_if(|opening| opening.number == number)?;
        let target = opening.target;
        let Some(opened) = opened else {
            state.rules.died_unused(&target.origin, Instant::now());
            return None;
        };
        let (taken, is_taken) = oneshot::channel();
        state.ready = Some(Ready {
            number,
            target,
            sender: opened.sender,
            is_taken: opened.is_taken,
            taken,
            age: Age::new(),
        });
        Some(Waiting {
            number,
            connection: opened.connection,
            taken: is_taken,
            lifetime,
        })
    }

    /// A connection ended before a call took it.
    fn died_unused(&self, number: u64) {
        let mut state = self.state();
        if let Some(ready) = state.ready.take_if(|ready| ready.number == number) {
            let origin = &ready.target.origin;
            state.rules.died_unused(origin, Instant::now());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn leads_to(&self, target: &Target) -> bool {
        let opening = self.opening.as_ref().map(|opening| &opening.target);
        let ready = self.ready.as_ref().map(|ready| &ready.target);
        opening == Some(target) || ready == Some(target)
    }

    /// Ends the connection, without a word about why.
    fn end(&mut self) {
        self.ready = None;
        if let Some(opening) = self.opening.take() {
            opening.task.abort();
        }
    }
}

impl Waiting {
    /// Runs the connection until it is over. Idle, it wakes for its one timer, and when something
    /// arrives.
    async fn run(mut self, slot: Weak<Slot>) {
        tokio::select! {
            biased;
            taken = self.taken => {
                if taken.is_ok() {
                    self.connection.await;
                }
                return;
            }
            () = &mut self.connection => {}
            () = tokio::time::sleep(self.lifetime) => {}
        }
        // Closed before it is counted as dead: what asks then finds nothing open.
        drop(self.connection);
        if let Some(slot) = slot.upgrade() {
            slot.died_unused(self.number);
        }
    }
}
