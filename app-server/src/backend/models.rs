//! The available models, and the default one.

use std::sync::atomic::{AtomicU64, Ordering};

use byokey_protocol::models::{Model, ReasoningEffortOption};
use tokio::sync::Mutex;
use tokio::time::{Duration, Instant, timeout_at};

use super::limits::CALL_DEADLINE;
use super::model_list::{ModelsAnswer, RawModel, built_in, is_newer};
use super::outcome::after_call;
use super::{Backend, BackendError, ModelChoice, Service};
use crate::config::Config;
use byokey_auth::{AccountIdentity, Generation, Lease};

/// How long a list is cached, as in codex.
const LIST_LIFETIME: Duration = Duration::from_secs(300);

/// The cached model list. The lock is held while a list is read, so that concurrent callers share
/// one request and its outcome (single-flight).
#[derive(Debug, Default)]
pub struct Models {
    known: Mutex<Known>,
    /// Counts changes of the settings that decide about a list.
    era: AtomicU64,
}

#[derive(Debug, Default)]
struct Known {
    last: Option<ModelList>,
    failed: Option<(Option<Generation>, Instant, BackendError)>,
}

#[derive(Debug)]
struct ModelList {
    of: Option<Generation>,
    account: Option<AccountIdentity>,
    era: u64,
    read_at: Instant,
    models: Vec<Model>,
}

impl ModelList {
    /// Returns whether the list was read for this account, under the settings of this era.
    fn is_of(&self, account: Option<&AccountIdentity>, era: u64) -> bool {
        self.era == era && AccountIdentity::are_same(self.account.as_ref(), account)
    }
}

impl Models {
    /// Follows a configuration that was read again: a list of another place, or for another
    /// version of codex, counts no more.
    pub(super) fn follow_settings(&self, before: &Config, now: &Config) {
        if decisive(before) != decisive(now) {
            self.era.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn era(&self) -> u64 {
        self.era.load(Ordering::Relaxed)
    }
}

impl Backend {
    /// Returns the available models, hidden ones included, the default one marked. Without a
    /// credential only the configured model is known. During a transient failure the last list of
    /// the same account is used.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn models(&self, lease: Option<Lease>) -> Result<Vec<Model>, BackendError> {
        // Before the settings: a list that is read while they change is read again.
        let era = self.models.era();
        let config = self.config();
        if lease.is_none() && config.provider.requires_openai_auth {
            let configured = config.model.iter();
            return Ok(configured.map(|model| configured_model(model)).collect());
        }
        let arrived = Instant::now();
        let deadline = arrived + CALL_DEADLINE;
        let of = lease.as_ref().map(|lease| lease.generation);
        let account = lease.as_ref().map(|lease| lease.credential.identity());
        let Ok(mut known) = timeout_at(deadline, self.models.known.lock()).await else {
            return Err(BackendError::Timeout);
        };
        if let Some(fresh) = known.last.as_ref()
            && (fresh.of, fresh.era) == (of, era)
            && fresh.read_at.elapsed() < LIST_LIFETIME
        {
            return Ok(fresh.models.clone());
        }
        let error = match &known.failed {
            Some((failed, at, error)) if *failed == of && *at >= arrived => error.clone(),
            _ => match self.read_models(lease, deadline).await {
                Ok(models) => {
                    known.failed = None;
                    if models.is_empty() {
                        return Ok(models);
                    }
                    known.last = Some(ModelList {
                        of,
                        account,
                        era,
                        read_at: Instant::now(),
                        models: models.clone(),
                    });
                    return Ok(models);
                }
                Err(error) => {
                    known.failed = Some((of, Instant::now(), error.clone()));
                    error
                }
            },
        };
        match &known.last {
            Some(last) if last.is_of(account.as_ref(), era) && is_passing(&error) => {
                Ok(last.models.clone())
            }
            _ => Err(error),
        }
    }

    async fn read_models(
        &self,
        lease: Option<Lease>,
        deadline: Instant,
    ) -> Result<Vec<Model>, BackendError> {
        let config = self.config();
        let query = vec![("client_version", config.codex_version.clone())];
        let answer: ModelsAnswer = self
            .get_json(lease, Service::Models, "/models", query, deadline)
            .await?;
        let version = &config.codex_version;
        Ok(list(answer.0, config.model.as_deref(), version))
    }

    /// Returns the model of a thread that names none: the configured one;
    /// else the default of the list; else, without a list, one of the built-in list where the
    /// provider is used with a login of OpenAI.
    ///
    /// # Errors
    ///
    /// Why there is no list, if no model can be chosen.
    pub async fn default_model(&self, lease: Option<Lease>) -> Result<ModelChoice, BackendError> {
        if let Some(model) = &self.config().model {
            return Ok(ModelChoice::Final(model.clone()));
        }
        let config = self.config();
        let has_built_in = config.provider.requires_openai_auth;
        let built_in = || {
            built_in(&config.codex_version).map(|model| ModelChoice::Provisional(model.to_owned()))
        };
        if lease.is_none() && has_built_in {
            return built_in().ok_or(BackendError::NoModel);
        }
        let account = lease.as_ref().map(|lease| lease.credential.identity());
        let (models, failure) = match self.models(lease).await {
            Ok(models) => (models, BackendError::NoModel),
            Err(error) => (Vec::new(), error),
        };
        let default = |models: Vec<Model>| models.into_iter().find(|model| model.is_default);
        match default(models) {
            Some(model) => Ok(ModelChoice::Final(model.id)),
            // For a refused or empty list, the last valid one is used.
            None => match default(self.last_models(account.as_ref())) {
                Some(model) => Ok(ModelChoice::Provisional(model.id)),
                None => built_in().filter(|_| has_built_in).ok_or(failure),
            },
        }
    }

    /// Returns the last list of this account that was not empty.
    fn last_models(&self, account: Option<&AccountIdentity>) -> Vec<Model> {
        // Another call may be reading a list; do not wait for it again.
        let Ok(known) = self.models.known.try_lock() else {
            return Vec::new();
        };
        let last = known.last.as_ref();
        let last = last.filter(|last| last.is_of(account, self.models.era()));
        last.map(|last| last.models.clone()).unwrap_or_default()
    }
}

/// Returns the settings that decide what a list contains.
fn decisive(config: &Config) -> impl PartialEq + '_ {
    let provider = &config.provider;
    (
        [
            &provider.id,
            &config.chatgpt_base_url,
            &config.codex_version,
        ],
        [&provider.base_url, &config.model],
        [&provider.query_params, &provider.headers],
    )
}

/// Returns whether a failure leaves the cached list valid.
fn is_passing(error: &BackendError) -> bool {
    after_call(error).is_again()
        || matches!(error, BackendError::UnexpectedBody | BackendError::Limit(_))
}

/// Returns the list for clients. A model that needs a newer client than this one is hidden, and
/// never the default.
fn list(raw: Vec<RawModel>, configured: Option<&str>, codex_version: &str) -> Vec<Model> {
    let needed = |model: &RawModel| -> Option<String> {
        let minimal = model.minimal_client_version()?;
        is_newer(minimal, codex_version).then(|| minimal.to_owned())
    };
    let is_listed = |model: &RawModel| {
        let shown = model
            .visibility()
            .is_none_or(|visibility| visibility == "list");
        shown && needed(model).is_none()
    };
    let listed = || raw.iter().filter(|model| is_listed(model));
    let by_built_in = || {
        let built_in = super::model_list::BUILT_IN.iter();
        let mut offered = built_in.filter_map(|(slug, _)| listed().find(|it| it.slug() == *slug));
        offered.next()
    };
    let default = configured.map(str::to_owned).or_else(|| {
        let with_priority = listed().filter(|model| model.priority().is_some());
        listed()
            .find(|model| model.is_default())
            .or_else(|| with_priority.min_by_key(|model| model.priority()))
            .or_else(by_built_in)
            .or_else(|| listed().next())
            .map(|model| model.slug().to_owned())
    });
    raw.iter()
        .map(|model| {
            let id = model.slug().to_owned();
            Model {
                model: id.clone(),
                display_name: model.display_name().unwrap_or(&id).to_owned(),
                description: description(model, needed(model).as_deref(), codex_version),
                hidden: !is_listed(model),
                supported_reasoning_efforts: model
                    .efforts()
                    .map(|(effort, description)| ReasoningEffortOption {
                        reasoning_effort: effort.to_owned(),
                        description: description.to_owned(),
                    })
                    .collect(),
                default_reasoning_effort: model.default_effort().unwrap_or("medium").to_owned(),
                input_modalities: vec!["text".to_owned()],
                is_default: default.as_deref() == Some(id.as_str()),
                id,
            }
        })
        .collect()
}

/// Returns the description of a model, with the remedy for one that needs a newer client.
fn description(model: &RawModel, needed: Option<&str>, codex_version: &str) -> String {
    let text = model.description().unwrap_or_default();
    match needed {
        None => text.to_owned(),
        Some(needed) => format!(
            "{text} Needs codex {needed}; this program says that it is {codex_version}: update \
             it, or set `codex_version`."
        )
        .trim_start()
        .to_owned(),
    }
}

fn configured_model(model: &str) -> Model {
    Model {
        id: model.to_owned(),
        model: model.to_owned(),
        display_name: model.to_owned(),
        description: "The model of the configuration.".to_owned(),
        hidden: false,
        supported_reasoning_efforts: Vec::new(),
        default_reasoning_effort: "medium".to_owned(),
        input_modalities: vec!["text".to_owned()],
        is_default: true,
    }
}

#[cfg(test)]
mod tests {
    use super::{ModelsAnswer, list};

    fn default_of(answer: &str, configured: Option<&str>) -> Option<String> {
        let answer: ModelsAnswer = serde_json::from_str(answer).unwrap();
        let models = list(answer.0, configured, "0.169.0");
        let default = models.into_iter().find(|model| model.is_default);
        default.map(|model| model.id)
    }

    #[test]
    fn the_rule_of_the_default_model() {
        let plain = r#"{"models":[{"slug":"h","visibility":"hide"},{"slug":"a"},{"slug":"b"}]}"#;
        let by_priority = r#"{"models":[{"slug":"a","priority":9},{"slug":"b","priority":"2"},
            {"slug":"c","priority":2},{"slug":"d","priority":1,"visibility":"hide"},
            {"slug":"e","priority":0,"minimal_client_version":"99.0.0"},
            {"slug":"codex-auto-balanced","priority":3}]}"#;
        let marked = r#"{"models":[{"slug":"a","priority":1},{"slug":"m","is_default":true}]}"#;
        let api = r#"{"object":"list","data":[{"id":"dall-e"},{"id":"gpt-5.5"},{"id":"gpt-4"}]}"#;
        let other = r#"{"data":[{"id":"qwen"},{"id":"llama"}]}"#;
        for (answer, configured, default) in [
            (plain, None, Some("a")),
            (plain, Some("b"), Some("b")),
            (by_priority, None, Some("b")),
            (marked, None, Some("m")),
            (api, None, Some("gpt-5.5")),
            (other, None, Some("qwen")),
            (r#"{"models":[]}"#, None, None),
        ] {
            assert_eq!(
                default_of(answer, configured).as_deref(),
                default,
                "{answer}"
            );
        }
    }
}
