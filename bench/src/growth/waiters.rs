//! Cost against the number of calls that wait for one refresh, in this process: a connection admits
//! fewer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use byokey_auth::{
    AnswerCheck, AuthManager, BearerAnswer, Dependencies, EphemeralStore, Host, HostAnswer,
    HostTokens, Issuer, IssuerAnswer, IssuerFailure, LoginPolicy, PeerId, RecoveryFailure,
    RenewedTokens, TokenOwner,
};
use byokey_base::clock::SystemClock;
use byokey_protocol::account::AccountUpdated;
use byokey_protocol::bearer_token::BearerTokenRefreshParams;
use byokey_protocol::external_auth::{ExternalTokens, RefreshParams};
use byokey_protocol::secret::Secret;
use tokio::sync::oneshot;

use super::{Growth, Series, Shape};
use crate::Failure;
use crate::candidate::Candidate;
use crate::measure::{Scale, number};
use crate::site::{ACCOUNT, token};

const NUMBERS: [usize; 6] = [1, 10, 100, 1_000, 10_000, 100_000];
/// Rounds per data point; the best counts.
const ROUNDS: usize = 5;

pub(super) fn measure(_: &Candidate, _: &Candidate, _: Scale) -> Result<Growth, Failure> {
    let mut points = Vec::new();
    for waiters in NUMBERS {
        let rounds: Result<Vec<f64>, Failure> = (0..ROUNDS).map(|_| fan_out(waiters)).collect();
        let best = rounds?.into_iter().reduce(f64::min).unwrap_or_default();
        let each = best / number(waiters);
        points.push((number(waiters), each));
    }
    Ok(Growth {
        title: "Calls that wait for one refresh",
        along: "waiting calls",
        up: "time per call",
        shape: Shape::Flat,
        note: "A call takes the same 3,500 instructions however many wait. Beyond a thousand they no \
               longer fit into the caches of the processor, and their memory is touched for the \
               first time.",
        series: vec![Series {
            name: "from 401 to the go-ahead".to_owned(),
            points,
        }],
    })
}

/// Lets this many calls get a 401, answers the one refresh that they cause, and waits until all
/// continue. Returns the time, in seconds.
pub(crate) fn fan_out(waiters: usize) -> Result<f64, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let host = Arc::<SlowHost>::default();
        let manager = signed_in(Arc::clone(&host))?;
        let generation = manager
            .lease()
            .ok_or("no credential is in force")?
            .generation;
        let begin = Instant::now();
        let calls: Vec<_> = (0..waiters)
            .map(|_| {
                let manager = Arc::clone(&manager);
                tokio::spawn(async move { manager.recover(generation).await })
            })
            .collect();
        // Every call has got its 401 when this task runs again.
        tokio::task::yield_now().await;
        host.answer()?;
        for call in calls {
            call.await??;
        }
        Ok(begin.elapsed().as_secs_f64())
    })
}

fn signed_in(host: Arc<SlowHost>) -> Result<Arc<AuthManager>, Failure> {
    let dependencies = Dependencies {
        host,
        issuer: Arc::new(NoIssuer),
        store: Arc::new(EphemeralStore),
        clock: Arc::new(SystemClock),
    };
    let manager = AuthManager::new(LoginPolicy::default(), dependencies);
    manager.login_external(tokens(0), PeerId(0))?;
    Ok(manager)
}

fn tokens(number: usize) -> ExternalTokens {
    ExternalTokens {
        access_token: Secret::from(token(number).as_str()),
        chatgpt_account_id: Some(ACCOUNT.to_owned()),
        chatgpt_plan_type: None,
        id_token: None,
        workspace_routing: None,
    }
}

/// A host that answers once, at the driver's signal.
#[derive(Default)]
struct SlowHost(Mutex<Vec<oneshot::Sender<HostTokens>>>);

impl SlowHost {
    fn answer(&self) -> Result<(), Failure> {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(only), true) = (asked.pop(), asked.is_empty()) else {
            return Err("the host was not asked exactly once".into());
        };
        let answer = HostTokens {
            tokens: tokens(1),
            supplier: PeerId(0),
        };
        only.send(answer)
            .map_err(|_| "no refresh is pending".into())
    }
}

impl Host for SlowHost {
    fn ask_refresh(&self, _: PeerId, _: RefreshParams, _: AnswerCheck) -> HostAnswer {
        let (sender, answer) = oneshot::channel();
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(sender);
        Box::pin(async move { answer.await.map_err(|_| RecoveryFailure::HostGone) })
    }

    fn ask_bearer_refresh(&self, _: PeerId, _: BearerTokenRefreshParams) -> BearerAnswer {
        Box::pin(std::future::ready(Err(RecoveryFailure::HostGone)))
    }

    fn wants_proactive_refresh(&self, _: PeerId) -> bool {
        false
    }

    fn account_updated(&self, _: AccountUpdated) {}
}

/// No login here is a managed one.
struct NoIssuer;

impl NoIssuer {
    fn unreachable<T: Send + 'static>() -> IssuerAnswer<T> {
        Box::pin(std::future::ready(Err(IssuerFailure::UnexpectedAnswer)))
    }
}

impl Issuer for NoIssuer {
    fn refresh(&self, _: &Secret) -> IssuerAnswer<RenewedTokens> {
        Self::unreachable()
    }

    fn revoke(&self, _: &Secret) -> IssuerAnswer<()> {
        Self::unreachable()
    }

    fn whoami(&self, _: &Secret) -> IssuerAnswer<TokenOwner> {
        Self::unreachable()
    }
}
