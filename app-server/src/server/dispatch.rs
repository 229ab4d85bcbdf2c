//! Routes a method to its handler, and the handler's result to the response.
//!
//! The `match` in [`dispatch`] covers the whole method table of the protocol, so a method without a
//! handler does not compile.

mod changes;

use std::sync::Arc;

use byokey_protocol::error::{ErrorKind, TOO_LARGE};
use byokey_protocol::methods::{self as method, ClientRequest, Request};
use byokey_protocol::request_id::RequestId;
use serde::Serialize;
use serde::de::DeserializeOwned;

use changes::Change;
pub use changes::Changes;

use crate::server::error::RequestError;
use crate::server::handlers;
use crate::server::handlers::login::LoginWait;
use crate::server::reply::{Answering, Context, Outcome};

/// Longest parameters of a login, in bytes: a token or an address. What is longer could not be
/// sent in a header.
const MAX_LOGIN: usize = 256 * 1024;

/// One request, on its way to its handler.
#[derive(Debug)]
pub struct Call<'a> {
    /// The handler's context.
    pub context: &'a Context,
    /// The unanswered requests of this peer that change the account.
    pub changes: &'a Arc<Changes>,
    /// The request in the connection layer.
    pub rpc: byokey_rpc::Call<'a>,
}

/// Answers a request, synchronously or from a task.
///
/// Requests that change the account are handled synchronously, hence in the order of their arrival,
/// unless the issuer or a store is involved. Reads of the account queue behind the pending logins
/// and logouts of the same peer; nothing else waits for them. Requests to the backend use the
/// credential in force at their arrival and are answered when possible. While startup still waits
/// for a store, requests that need the credential wait, too.
pub fn dispatch(request: ClientRequest, call: Call<'_>) {
    let introduced = call.context.peer.client().is_some();
    if request == ClientRequest::Initialize && introduced {
        let refused = RequestError::refused(ErrorKind::AlreadyInitialized, "Already initialized");
        return call.refuse(refused);
    }
    if request != ClientRequest::Initialize && !introduced {
        let refused = RequestError::refused(ErrorKind::NotInitialized, "Not initialized");
        return call.refuse(refused);
    }
    match request {
        ClientRequest::Initialize => {
            call.sync::<method::Initialize>(handlers::initialize::initialize)
        }
        ClientRequest::LoginStart | ClientRequest::LoginComplete
            if call.rpc.params_bytes() > MAX_LOGIN =>
        {
            call.refuse(RequestError::invalid_params("", TOO_LARGE));
        }
        ClientRequest::LoginStart => call.login(),
        ClientRequest::LoginComplete => {
            call.spawn::<method::LoginComplete, _>(handlers::login::login_complete);
        }
        ClientRequest::LoginCancel => {
            call.sync::<method::LoginCancel>(handlers::login::login_cancel)
        }
        // It ends the logins that wait, so their number does not matter to it.
        ClientRequest::Logout
            if call.context.services.auth.is_persistent() && call.rpc.is_overload() =>
        {
            call.refuse(RequestError::overloaded());
        }
        ClientRequest::Logout => call.mutate_account::<method::Logout>(handlers::account::logout),
        ClientRequest::AccountRead => {
            call.read_account::<method::AccountRead>(handlers::account::account_read)
        }
        ClientRequest::GetAuthStatus => {
            call.read_account::<method::GetAuthStatus>(handlers::account::get_auth_status);
        }
        ClientRequest::RateLimitsRead => {
            call.after_startup::<method::RateLimitsRead, _>(handlers::backend::rate_limits_read);
        }
        ClientRequest::ResetCreditConsume => {
            call.after_startup::<method::ResetCreditConsume, _>(
                handlers::backend::reset_credit_consume,
            );
        }
        ClientRequest::UsageRead => {
            call.after_startup::<method::UsageRead, _>(handlers::backend::usage_read)
        }
        ClientRequest::ModelList => {
            call.after_startup::<method::ModelList, _>(handlers::backend::model_list)
        }
        ClientRequest::GatewayStart => {
            call.after_startup::<method::GatewayStart, _>(handlers::gateway::gateway_start);
        }
        ClientRequest::GatewayStop => {
            call.sync::<method::GatewayStop>(handlers::gateway::gateway_stop)
        }
        ClientRequest::ConfigRead => call.sync::<method::ConfigRead>(handlers::config::config_read),
        ClientRequest::ConfigRequirementsRead => {
            call.sync::<method::ConfigRequirementsRead>(handlers::config::config_requirements_read);
        }
        ClientRequest::PermissionProfileList => {
            call.sync::<method::PermissionProfileList>(handlers::tools::permission_profile_list);
        }
        ClientRequest::SkillsList => call.sync::<method::SkillsList>(handlers::tools::skills_list),
        ClientRequest::ThreadStart => {
            call.after_startup::<method::ThreadStart, _>(handlers::thread::thread_start);
        }
        ClientRequest::ThreadResume => {
            call.sync::<method::ThreadResume>(handlers::thread::thread_resume)
        }
        ClientRequest::ThreadLoadedList => {
            call.sync::<method::ThreadLoadedList>(handlers::thread::thread_loaded_list);
        }
        ClientRequest::ThreadRead => {
            call.sync::<method::ThreadRead>(handlers::thread_lifecycle::thread_read)
        }
        ClientRequest::ThreadUnsubscribe => {
            call.sync::<method::ThreadUnsubscribe>(handlers::thread_lifecycle::thread_unsubscribe);
        }
        ClientRequest::ThreadDelete => {
            call.spawn::<method::ThreadDelete, _>(handlers::thread_lifecycle::thread_delete);
        }
        // No thread exists before startup is over, hence no turn.
        ClientRequest::TurnStart => call.sync::<method::TurnStart>(handlers::turn::turn_start),
        ClientRequest::TurnInterrupt => {
            call.sync::<method::TurnInterrupt>(handlers::turn::turn_interrupt);
        }
    }
}

/// A handler that changes or reads the account.
type AccountHandler<M> =
    fn(&Context, <M as Request>::Params) -> Result<Answering<<M as Request>::Result>, RequestError>;

// What is instantiated for each method stays out of `dispatch`: its frame would have room for the
// futures of all handlers, and the first request would touch those pages of the stack.
impl Call<'_> {
    /// Answers with an error.
    pub fn refuse(self, error: RequestError) {
        self.rpc.refuse(error);
    }

    /// Runs a handler synchronously.
    #[inline(never)]
    fn sync<M>(self, handler: impl FnOnce(&Context, M::Params) -> Outcome<M::Result>)
    where
        M: Request<Params: DeserializeOwned, Result: Serialize>,
    {
        let outcome = self.rpc.run(|params| handler(self.context, params));
        answer(self.context, self.rpc.id(), outcome);
    }

    /// Runs a handler that may answer asynchronously. Returns whether it changed the account
    /// synchronously.
    #[inline(never)]
    fn run<M>(
        self,
        handler: impl FnOnce(&Context, M::Params) -> Result<Answering<M::Result>, RequestError>,
    ) -> bool
    where
        M: Request<Params: DeserializeOwned, Result: Serialize + Send + 'static>,
    {
        match self.rpc.run(|params| handler(self.context, params)) {
            Ok(Answering::Now(reply)) => {
                answer(self.context, self.rpc.id(), Ok(reply));
                return true;
            }
            Ok(Answering::Later(_)) if self.rpc.is_overload() => {
                self.refuse(RequestError::overloaded());
            }
            Ok(Answering::Later(future)) => self.wait_for(future, None),
            Ok(Answering::Change(future)) => {
                let change = self.changes.begin();
                self.wait_for(future, Some(change));
            }
            Err(error) => self.refuse(error),
        }
        false
    }

    /// Starts a login, unless there is no room for what its answer waits for. One that is refused
    /// ends no other.
    fn login(self) {
        let (is_overload, are_full) = (self.rpc.is_overload(), self.changes.are_full());
        self.mutate_account::<method::LoginStart>(move |context, params| {
            let is_refused = match handlers::login::login_wait(context, &params) {
                LoginWait::Nothing => false,
                LoginWait::Start => is_overload,
                LoginWait::Change => are_full,
            };
            if is_refused {
                return Err(RequestError::overloaded());
            }
            handlers::login::login_start(context, params)
        });
    }

    /// Runs a handler that may change the account.
    fn mutate_account<M>(
        self,
        handler: impl FnOnce(&Context, M::Params) -> Result<Answering<M::Result>, RequestError>,
    ) where
        M: Request<Params: DeserializeOwned, Result: Serialize + Send + 'static>,
    {
        let changes = Arc::clone(self.changes);
        let services = Arc::clone(&self.context.services);
        if self.run::<M>(handler) {
            changes.supersede();
            services.start.overtake();
        }
    }

    /// Runs a handler that reads the account, after the pending changes have completed or failed.
    fn read_account<M>(self, handler: AccountHandler<M>)
    where
        M: Request<Params: DeserializeOwned + Send + 'static, Result: Serialize + Send + 'static>,
    {
        let start = self.context.services.start.settled();
        let changes = self.changes.settled();
        if start.is_none() && changes.is_none() {
            self.run::<M>(handler);
            return;
        }
        let settled = async move {
            if let Some(start) = start {
                start.await;
            }
            if let Some(changes) = changes {
                changes.await;
            }
        };
        self.after::<M, _>(settled, move |context, params| {
            Ok(match handler(context, params)? {
                Answering::Now(reply) => Box::pin(std::future::ready(Ok(reply))),
                Answering::Later(answer) | Answering::Change(answer) => answer,
            })
        });
    }

    /// Runs a handler that needs the credential, after startup has determined it.
    fn after_startup<M, F>(
        self,
        handler: impl FnOnce(&Context, M::Params) -> Result<F, RequestError> + Send + 'static,
    ) where
        M: Request<Params: DeserializeOwned + Send + 'static, Result: Serialize + Send + 'static>,
        F: Future<Output = Outcome<M::Result>> + Send + 'static,
    {
        match self.context.services.start.settled() {
            None => self.spawn::<M, F>(handler),
            Some(settled) => self.after::<M, F>(settled, handler),
        }
    }

    /// Runs a handler after another future.
    #[inline(never)]
    fn after<M, F>(
        self,
        before: impl Future<Output = ()> + Send + 'static,
        handler: impl FnOnce(&Context, M::Params) -> Result<F, RequestError> + Send + 'static,
    ) where
        M: Request<Params: DeserializeOwned + Send + 'static, Result: Serialize + Send + 'static>,
        F: Future<Output = Outcome<M::Result>> + Send + 'static,
    {
        self.spawn::<M, _>(|context, params| {
            let context = context.clone();
            Ok(async move {
                before.await;
                handler(&context, params)?.await
            })
        });
    }

    /// Runs a handler that answers asynchronously. Its synchronous part runs now.
    #[inline(never)]
    fn spawn<M, F>(self, handler: impl FnOnce(&Context, M::Params) -> Result<F, RequestError>)
    where
        M: Request<Params: DeserializeOwned, Result: Serialize + Send + 'static>,
        F: Future<Output = Outcome<M::Result>> + Send + 'static,
    {
        if self.rpc.is_overload() {
            return self.refuse(RequestError::overloaded());
        }
        match self.rpc.run(|params| handler(self.context, params)) {
            Ok(pending) => self.wait_for(pending, None),
            Err(error) => self.refuse(error),
        }
    }

    /// Answers when the future completes. A change ends after its answer.
    #[inline(never)]
    fn wait_for<R>(
        self,
        pending: impl Future<Output = Outcome<R>> + Send + 'static,
        change: Option<Change>,
    ) where
        R: Serialize + Send + 'static,
    {
        let context = self.context.clone();
        self.rpc.spawn(pending, move |id, outcome| {
            let made = outcome.is_ok();
            answer(&context, id, outcome);
            if let Some(change) = change.filter(|_| made) {
                change.made();
                context.services.start.overtake();
            }
        });
    }
}

fn answer<R: Serialize>(context: &Context, id: &RequestId, outcome: Outcome<R>) {
    match outcome {
        Ok(reply) => reply.send(context, id),
        Err(error) => context.peer.rpc.respond_error(Some(id), error),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use byokey_protocol::initialize::HardeningReport;
    use byokey_protocol::methods::AccountRead;

    use super::{Call, Context};
    use crate::config::{Config, Environment, Overrides};
    use crate::server::services::Services;

    #[test]
    fn a_panic_becomes_an_answer_that_repeats_nothing() {
        let config = Config::load(&Environment::of([]), &Overrides::default());
        let services = Services::new(config, HardeningReport::default());
        let peer = services.peers.join();
        let rpc = Arc::clone(&peer.rpc);
        let context = Context {
            services,
            peer,
            is_shared: false,
        };
        let in_flight = Arc::default();
        let call = Call {
            context: &context,
            changes: &Arc::default(),
            rpc: byokey_rpc::Call::new(&rpc, &in_flight, 1.into(), None),
        };
        call.sync::<AccountRead>(|_, _| panic!("made-up-{}", "secret"));
        let mut answer = Vec::new();
        rpc.outbox.take(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.contains("-32603"), "{answer}");
        assert!(!answer.contains("made-up"), "{answer}");
    }
}
