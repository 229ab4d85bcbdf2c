//! The models, with the oldest codex that may use each: codex 0.171.0's own catalogue of November
//! 2026.

/// One model.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) slug: &'static str,
    pub(crate) name: &'static str,
    /// The oldest codex that the model supports.
    pub(crate) minimal: Version,
    /// Whether lists show it.
    pub(crate) listed: bool,
    /// Whether codex uses the lite form for it.
    pub(crate) lite: bool,
}

/// A version of codex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) u64, pub(crate) u64, pub(crate) u64);

impl Version {
    /// Parses `0.169.0`, with or without a suffix such as `-alpha.1`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let release = text.split(['-', '+']).next()?;
        let mut parts = release.split('.').map(|part| part.parse().ok());
        let version = Self(parts.next()??, parts.next()??, parts.next()??);
        parts.next().is_none().then_some(version)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// All models. The index in this table is the model's `priority`, and the lowest is codex's
/// default.
pub(crate) const MODELS: [Model; 14] = [
    model("gpt-6.2-sol", "GPT-6.2 Sol", 166),
    model("gpt-6.2-astra", "GPT-6.2 Astra", 166),
    model("gpt-6.1-sol", "GPT-6.1 Sol", 153),
    model("gpt-6.1-terra", "GPT-6.1 Terra", 153),
    model("gpt-6-sol", "GPT-6 Sol", 155),
    model("gpt-6-luna", "GPT-6 Luna", 155),
    model("gpt-6-astra", "GPT-6 Astra", 153),
    model("gpt-5.6-luna", "GPT-5.6 Luna", 144),
    model("gpt-5.6-terra", "GPT-5.6 Terra", 144),
    model("gpt-5.6-sol", "GPT-5.6 Sol", 144),
    Model {
        lite: false,
        ..model("gpt-5.5", "GPT-5.5", 124)
    },
    hidden(
        "gpt-daybreak-blue-latest",
        "Daybreak Blue",
        Version(0, 144, 0),
    ),
    hidden(
        "gpt-daybreak-red-latest",
        "Daybreak Red",
        Version(0, 142, 2),
    ),
    hidden("codex-auto-review", "Auto Review", Version(0, 98, 0)),
];

const fn model(slug: &'static str, name: &'static str, minor: u64) -> Model {
    Model {
        slug,
        name,
        minimal: Version(0, minor, 0),
        listed: true,
        lite: true,
    }
}

const fn hidden(slug: &'static str, name: &'static str, minimal: Version) -> Model {
    Model {
        minimal,
        listed: false,
        ..model(slug, name, 0)
    }
}

/// Returns the model of that name.
pub(crate) fn find(slug: &str) -> Option<&'static Model> {
    MODELS.iter().find(|model| model.slug == slug)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        let parse = |text| Version::parse(text);
        assert_eq!(parse("0.169.0"), Some(Version(0, 169, 0)));
        assert_eq!(parse("0.171.0-alpha.2"), Some(Version(0, 171, 0)));
        assert!(parse("0.21.0") < parse("0.124.0"));
        assert!(parse("1.0.0") > parse("0.171.0"));
        for text in ["", "1", "1.2", "1.2.3.4", "a.b.c"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
