//! Model lists in servers' formats, and the built-in list.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::body::Document;
use super::lenient::{self, Description, Elements, Flag, Integer, Name};
use super::limits::{MAX_EFFORTS, MAX_MODELS};

/// Models offered on 30 November 2026, in order of preference, each with the lowest version of
/// codex that it supports. Used only when no list is available.
pub(crate) const BUILT_IN: [(&str, &str); 4] = [
    ("gpt-6.2-sol", "0.166.0"),
    ("gpt-6.1-sol", "0.153.0"),
    ("gpt-6-sol", "0.155.0"),
    ("gpt-5.5", "0.124.0"),
];

/// Returns the preferred built-in model for a client of this version.
pub(crate) fn built_in(client_version: &str) -> Option<&'static str> {
    let answers = |(_, minimal): &&(&str, &str)| !is_newer(minimal, client_version);
    BUILT_IN.iter().find(answers).map(|(slug, _)| *slug)
}

/// Returns whether a version is newer than another. An invalid version is not.
pub(crate) fn is_newer(version: &str, than: &str) -> bool {
    let parts = |version: &str| {
        let core = version.split(['-', '+']).next()?;
        let parts = core.split('.').map(str::parse::<u32>);
        parts.collect::<Result<Vec<_>, _>>().ok()
    };
    matches!((parts(version), parts(than)), (Some(version), Some(than)) if version > than)
}

/// The models of a response, without duplicates. The ChatGPT backend answers `models`, the API
/// `data`, some servers both, some the bare list.
#[derive(Debug)]
pub(crate) struct ModelsAnswer(pub(crate) Vec<RawModel>);

impl Document for ModelsAnswer {
    const MAY_BE_LIST: bool = true;
}

impl<'de> Deserialize<'de> for ModelsAnswer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let listed = if raw.starts_with('[') {
            let list: Option<Elements<_, MAX_MODELS>> = serde_json::from_str(raw).ok();
            [list, None]
        } else {
            let written: Written = serde_json::from_str(raw).map_err(D::Error::custom)?;
            [written.models, written.data]
        };
        if listed.iter().all(Option::is_none) {
            return Err(D::Error::custom("no list"));
        }
        let mut models: Vec<RawModel> = Vec::new();
        for model in listed.into_iter().flatten().flat_map(|list| list.0) {
            let is_new = |slug| !models.iter().any(|known| known.slug() == slug);
            if !model.slug().is_empty() && is_new(model.slug()) && models.len() < MAX_MODELS {
                models.push(model);
            }
        }
        Ok(Self(models))
    }
}

#[derive(Deserialize)]
struct Written {
    #[serde(default, deserialize_with = "lenient::list")]
    models: Option<Elements<RawModel, MAX_MODELS>>,
    #[serde(default, deserialize_with = "lenient::list")]
    data: Option<Elements<RawModel, MAX_MODELS>>,
}

/// One model. The member with its name depends on the server.
#[derive(Debug, Deserialize)]
pub(crate) struct RawModel {
    #[serde(default, deserialize_with = "lenient::member")]
    slug: Option<Name>,
    #[serde(default, deserialize_with = "lenient::member")]
    id: Option<Name>,
    #[serde(default, deserialize_with = "lenient::member")]
    model: Option<Name>,
    #[serde(default, deserialize_with = "lenient::member")]
    name: Option<Name>,
    #[serde(default, deserialize_with = "lenient::member")]
    display_name: Option<Name>,
    #[serde(default, deserialize_with = "lenient::member")]
    description: Option<Description>,
    #[serde(default, deserialize_with = "lenient::member")]
    default_reasoning_level: Option<Name>,
    #[serde(default, deserialize_with = "lenient::list")]
    supported_reasoning_levels: Option<Elements<RawEffort, MAX_EFFORTS>>,
    #[serde(default, deserialize_with = "lenient::member")]
    visibility: Option<Name>,
    #[serde(default, deserialize_with = "lenient::member")]
    priority: Option<Integer>,
    #[serde(default, deserialize_with = "lenient::member")]
    minimal_client_version: Option<Name>,
    #[serde(default, deserialize_with = "lenient::member")]
    is_default: Option<Flag>,
}

#[derive(Debug, Deserialize)]
struct RawEffort {
    effort: Name,
    #[serde(default, deserialize_with = "lenient::member")]
    description: Option<Name>,
}

fn text(name: Option<&Name>) -> Option<&str> {
    name.map(|name| name.0.as_str())
}

impl RawModel {
    /// Returns the name in requests; empty if it has none.
    pub(crate) fn slug(&self) -> &str {
        let names = [&self.slug, &self.id, &self.model, &self.name];
        let mut names = names.into_iter().filter_map(|name| text(name.as_ref()));
        names.find(|name| !name.is_empty()).unwrap_or_default()
    }

    pub(crate) fn display_name(&self) -> Option<&str> {
        text(self.display_name.as_ref())
    }

    pub(crate) fn description(&self) -> Option<&str> {
        self.description.as_ref().map(|text| text.0.as_str())
    }

    pub(crate) fn default_effort(&self) -> Option<&str> {
        text(self.default_reasoning_level.as_ref())
    }

    pub(crate) fn visibility(&self) -> Option<&str> {
        text(self.visibility.as_ref())
    }

    pub(crate) fn minimal_client_version(&self) -> Option<&str> {
        text(self.minimal_client_version.as_ref())
    }

    pub(crate) fn priority(&self) -> Option<i64> {
        self.priority.map(|priority| priority.0)
    }

    pub(crate) fn is_default(&self) -> bool {
        self.is_default.is_some_and(|flag| flag.0)
    }

    /// Iterates over the reasoning efforts with their descriptions.
    pub(crate) fn efforts(&self) -> impl Iterator<Item = (&str, &str)> {
        let levels = self.supported_reasoning_levels.iter();
        levels.flat_map(|levels| &levels.0).map(|level| {
            let description = text(level.description.as_ref());
            (level.effort.0.as_str(), description.unwrap_or_default())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slugs(answer: &str) -> Option<Vec<String>> {
        let answer: ModelsAnswer = serde_json::from_str(answer).ok()?;
        Some(
            answer
                .0
                .iter()
                .map(|model| model.slug().to_owned())
                .collect(),
        )
    }

    #[test]
    fn lists_of_every_server_are_read() {
        for (answer, expected) in [
            (r#"{"models":[{"slug":"a","id":"b"}]}"#, &["a"][..]),
            (
                r#"{"models":[{"name":"a.gguf","model":"a.gguf","size":""}],"object":"list","data":[{"id":"a.gguf","created":1}]}"#,
                &["a.gguf"],
            ),
            (
                r#"{"models":[{"description":"nameless"},7,null,{"id":"a"}]}"#,
                &["a"],
            ),
            (r#"{"models":null,"data":[{"id":"a"},{"id":"a"}]}"#, &["a"]),
            (r#"[{"id":"a"}]"#, &["a"]),
            (
                r#"{"data":[{"id":"a","description":7,"visibility":[],"supported_reasoning_levels":{}}]}"#,
                &["a"],
            ),
            (r#"{"models":[]}"#, &[]),
        ] {
            assert_eq!(slugs(answer).unwrap(), expected, "{answer}");
        }
        for answer in ["{}", r#"{"models":7}"#, "7", "null"] {
            assert_eq!(slugs(answer), None, "{answer}");
        }
    }

    #[test]
    fn versions_are_compared_by_their_numbers() {
        assert!(is_newer("0.169.1", "0.169.0"));
        assert!(is_newer("0.10.0", "0.9.9"));
        assert!(!is_newer("0.169.0", "0.169.0"));
        assert!(!is_newer("0.169.0-alpha.1", "0.169.0"));
        assert!(!is_newer("", "0.1.0") && !is_newer("new", "0.1.0"));
        assert_eq!(built_in("0.169.0"), Some("gpt-6.2-sol"));
        assert_eq!(built_in("0.150.0"), Some("gpt-5.5"));
        assert_eq!(built_in("0.1.0"), None);
    }
}
