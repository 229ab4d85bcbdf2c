//! The models on offer, and which of them is the default.

use std::time::Duration;

use byokey_protocol::CODEX_LEVEL;
use byokey_protocol::models::{Model, ReasoningEffortOption};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{Backend, BackendError, Service};
use byokey_auth::{Generation, Lease};

/// The model of a thread when nothing says otherwise and no list can be had: the backend's own
/// choice among its models.
pub const FALLBACK_MODEL: &str = "codex-auto-balanced";

/// How long a list is good, as in codex.
const LIST_LIFETIME: Duration = Duration::from_secs(300);

/// The list last read.
#[derive(Debug, Default)]
pub struct Models {
    last: Mutex<Option<ModelList>>,
}

#[derive(Debug)]
struct ModelList {
    of: Option<Generation>,
    read_at: Instant,
    models: Vec<Model>,
}

/// The ChatGPT backend answers `models`, the API `data`.
#[derive(Deserialize)]
struct ModelsAnswer {
    #[serde(alias = "data")]
    models: Vec<RawModel>,
}

#[derive(Deserialize)]
struct RawModel {
    #[serde(alias = "id")]
    slug: String,
    display_name: Option<String>,
    description: Option<String>,
    default_reasoning_level: Option<String>,
    #[serde(default)]
    supported_reasoning_levels: Vec<RawEffort>,
    visibility: Option<String>,
    #[serde(default)]
    is_default: bool,
}

#[derive(Deserialize)]
struct RawEffort {
    effort: String,
    #[serde(default)]
    description: String,
}

impl Backend {
    /// Reads the models on offer, hidden ones included, the default one marked. Signed out, the
    /// configured model is all that is known.
    ///
    /// # Errors
    ///
    /// [`BackendError`].
    pub async fn models(&self, lease: Option<Lease>) -> Result<Vec<Model>, BackendError> {
        let wants_login = self.config.provider.requires_openai_auth;
        if lease.is_none() && wants_login {
            return Ok(self
                .config
                .model
                .iter()
                .map(|model| configured(model))
                .collect());
        }
        let of = lease.as_ref().map(|lease| lease.generation);
        let mut last = self.models.last.lock().await;
        let known = last
            .as_ref()
            .filter(|list| list.of == of && list.read_at.elapsed() < LIST_LIFETIME);
        if let Some(known) = known {
            return Ok(known.models.clone());
        }
        let query = vec![("client_version", CODEX_LEVEL.to_owned())];
        let answer: ModelsAnswer = self
            .get_json(lease, Service::Models, "/models", query)
            .await?;
        let models = list(answer.models, self.config.model.as_deref());
        *last = Some(ModelList {
            of,
            read_at: Instant::now(),
            models: models.clone(),
        });
        Ok(models)
    }

    /// The model of a thread that names none: the configured one; else the one that the backend
    /// marks or that leaves the choice to it; else the first listed; else, without a list, the
    /// one that leaves the choice to the backend. The flag tells whether that is settled.
    pub async fn default_model(&self, lease: Option<Lease>) -> (String, bool) {
        if let Some(model) = &self.config.model {
            return (model.clone(), true);
        }
        let models = match lease {
            Some(lease) => self.models(Some(lease)).await.unwrap_or_default(),
            None => Vec::new(),
        };
        let default = models.into_iter().find(|model| model.is_default);
        default.map_or_else(
            || (FALLBACK_MODEL.to_owned(), false),
            |model| (model.id, true),
        )
    }
}

fn list(raw: Vec<RawModel>, configured: Option<&str>) -> Vec<Model> {
    let listed = |model: &&RawModel| model.visibility.as_deref().is_none_or(|v| v == "list");
    let default = configured.map(str::to_owned).or_else(|| {
        raw.iter()
            .find(|model| model.is_default)
            .or_else(|| raw.iter().find(|model| model.slug == FALLBACK_MODEL))
            .or_else(|| raw.iter().find(listed))
            .map(|model| model.slug.clone())
    });
    raw.iter()
        .map(|model| Model {
            id: model.slug.clone(),
            model: model.slug.clone(),
            display_name: model
                .display_name
                .clone()
                .unwrap_or_else(|| model.slug.clone()),
            description: model.description.clone().unwrap_or_default(),
            hidden: !listed(&model),
            supported_reasoning_efforts: model
                .supported_reasoning_levels
                .iter()
                .map(|level| ReasoningEffortOption {
                    reasoning_effort: level.effort.clone(),
                    description: level.description.clone(),
                })
                .collect(),
            default_reasoning_effort: model
                .default_reasoning_level
                .clone()
                .unwrap_or_else(|| "medium".to_owned()),
            input_modalities: vec!["text".to_owned()],
            is_default: default.as_deref() == Some(&model.slug),
        })
        .collect()
}

fn configured(model: &str) -> Model {
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
        let models = list(answer.models, configured);
        models
            .into_iter()
            .find(|model| model.is_default)
            .map(|model| model.id)
    }

    #[test]
    fn the_rule_of_the_default_model() {
        let plain =
            r#"{"models":[{"slug":"hidden","visibility":"hide"},{"slug":"a"},{"slug":"b"}]}"#;
        assert_eq!(default_of(plain, None).as_deref(), Some("a"));
        assert_eq!(default_of(plain, Some("b")).as_deref(), Some("b"));
        let auto = r#"{"models":[{"slug":"a"},{"slug":"codex-auto-balanced"}]}"#;
        assert_eq!(
            default_of(auto, None).as_deref(),
            Some("codex-auto-balanced")
        );
        let marked =
            r#"{"models":[{"slug":"codex-auto-balanced"},{"slug":"m","is_default":true}]}"#;
        assert_eq!(default_of(marked, None).as_deref(), Some("m"));
        let api = r#"{"object":"list","data":[{"id":"gpt","object":"model"}]}"#;
        assert_eq!(default_of(api, None).as_deref(), Some("gpt"));
    }
}
