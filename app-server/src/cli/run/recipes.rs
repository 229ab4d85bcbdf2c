//! How each agent is pointed at the gateway: one row each.
//!
//! In arguments and values, `{url}` is the gateway's address and `{bearer}` its bearer, which is
//! worth something to this gateway alone, and only while it runs. In a list of settings, a value is
//! TOML in quotes.

use std::ffi::OsString;
use std::path::Path;

use byokey_app_server::config::Environment;

use super::announced::Announced;
use super::version::{self, Version};
use super::{codex, opencode};

/// An agent.
#[derive(Debug)]
pub(super) struct Recipe {
    /// The name on the command line, and of its program.
    name: &'static str,
    /// Its package in npm.
    package: &'static str,
    /// The lowest version that these ways were tried with.
    minimum: Version,
    /// With a ChatGPT login.
    login: Way,
    /// With an API key, and with `--plain`.
    key: Way,
}

/// Adds what depends on the user's own settings; or returns what the user has to correct first.
type Adapt = fn(&mut Prepared, &User<'_>) -> Result<(), &'static str>;

/// What an agent gets.
#[derive(Debug)]
pub(super) struct Way {
    /// Arguments that precede those of the user.
    arguments: &'static [&'static str],
    /// Variables that are set.
    environment: &'static [(&'static str, &'static str)],
    /// Variables that are removed, because the agent would prefer them.
    pub(super) removed: &'static [&'static str],
    /// What depends on the user's own settings.
    adapt: Option<Adapt>,
}

/// The user's side of a start.
#[derive(Debug)]
pub(super) struct User<'a> {
    pub(super) announced: &'a Announced,
    pub(super) environment: &'a Environment,
}

/// The arguments and the environment of a command. `arguments` are the user's until they are adapted.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) arguments: Vec<OsString>,
    pub(super) environment: Vec<(&'static str, String)>,
}

/// codex takes the bearer for a personal access token, because of its prefix, and asks the gateway
/// for its owner: so it shows the account and the limits. Its own store is switched off, or `/logout`
/// would delete the user's own login. The id of the provider is not that of the profile which `byokey
/// gateway` prints, whose table codex would merge with this one. The provider must not be called `OpenAI`: codex then ignores
/// its address. With any `-c`, codex does not attach to its daemon, which has an older environment.
const CODEX_LOGIN: Way = Way {
    arguments: &[
        "-c",
        r#"model_provider="byokey_run""#,
        "-c",
        r#"model_providers.byokey_run.name="byokey""#,
        "-c",
        "model_providers.byokey_run.requires_openai_auth=true",
        "-c",
        r#"model_providers.byokey_run.base_url="{url}/backend-api/codex""#,
        "-c",
        r#"chatgpt_base_url="{url}/backend-api""#,
        "-c",
        r#"cli_auth_credentials_store="ephemeral""#,
    ],
    environment: &[
        ("CODEX_ACCESS_TOKEN", "{bearer}"),
        ("CODEX_AUTHAPI_BASE_URL", "{url}/api/accounts"),
    ],
    removed: &["CODEX_API_KEY"],
    adapt: Some(codex::hide_from_tools),
};

/// Only model calls go to the gateway, with the bearer as the provider's key.
const CODEX_KEY: Way = Way {
    arguments: &[
        "-c",
        r#"model_provider="byokey_run""#,
        "-c",
        r#"model_providers.byokey_run.name="byokey""#,
        "-c",
        r#"model_providers.byokey_run.env_key="BYOKEY_RUN_KEY""#,
        "-c",
        r#"model_providers.byokey_run.base_url="{url}/v1""#,
        "-c",
        r#"cli_auth_credentials_store="ephemeral""#,
    ],
    environment: &[("BYOKEY_RUN_KEY", "{bearer}")],
    removed: &["CODEX_API_KEY"],
    adapt: Some(codex::hide_from_tools),
};

const OPENCODE: Way = Way {
    arguments: &[],
    environment: &[],
    removed: &[],
    adapt: Some(opencode::configure),
};

/// The variables of OpenAI's libraries.
const OPENAI: Way = Way {
    arguments: &[],
    environment: &[
        ("OPENAI_BASE_URL", "{url}/v1"),
        ("OPENAI_API_KEY", "{bearer}"),
    ],
    removed: &[],
    adapt: None,
};

const AGENTS: [Recipe; 2] = [
    Recipe {
        name: "codex",
        package: "@openai/codex",
        minimum: [0, 140, 0],
        login: CODEX_LOGIN,
        key: CODEX_KEY,
    },
    Recipe {
        name: "opencode",
        package: "opencode-ai",
        minimum: [1, 18, 33],
        login: OPENCODE,
        key: OPENCODE,
    },
];

/// Any other program.
const ANY: Recipe = Recipe {
    name: "",
    package: "",
    minimum: [0, 0, 0],
    login: OPENAI,
    key: OPENAI,
};

/// Returns the error for an agent without a recipe.
pub(super) fn unknown(name: &std::ffi::OsStr) -> String {
    let known: Vec<_> = AGENTS.iter().map(|recipe| recipe.name).collect();
    let name = super::printable(&name.to_string_lossy());
    format!(
        "`{name}` is not known here: {} are; any other program that speaks the Responses API runs \
         with `byokey run -- {name}`",
        known.join(" and ")
    )
}

impl Recipe {
    /// Returns the row of an agent.
    pub(super) fn named(name: &std::ffi::OsStr) -> Option<&'static Self> {
        AGENTS.iter().find(|recipe| name == recipe.name)
    }

    /// Returns the row of any other program.
    pub(super) const fn any() -> &'static Self {
        &ANY
    }

    /// Returns the error for a program that is not installed.
    pub(super) fn missing(&self, name: &std::ffi::OsStr) -> String {
        let name = super::printable(&name.to_string_lossy());
        if self.package.is_empty() {
            return format!("there is no program `{name}` in PATH");
        }
        format!(
            "there is no program `{name}` in PATH; install it with `npm install -g {}`",
            self.package
        )
    }

    /// Checks that an agent is not older than its row. A version that is not known is not refused.
    pub(super) fn check_version(
        &self,
        program: &Path,
        arguments: &[OsString],
    ) -> Result<(), String> {
        let asks_for_it = matches!(arguments, [only] if only == "--version" || only == "-V");
        if self.package.is_empty() || asks_for_it {
            return Ok(());
        }
        match version::installed(program, self.package) {
            Some(found) if found < self.minimum => Err(format!(
                "{} {} is too old for `byokey run`, which needs {} or later; install it with `npm \
                 install -g {}@latest`",
                self.name,
                version::shown(found),
                version::shown(self.minimum),
                self.package
            )),
            _ => Ok(()),
        }
    }

    /// Returns the way for a login, or for a key.
    pub(super) const fn way(&self, is_login: bool) -> &Way {
        if is_login { &self.login } else { &self.key }
    }
}

impl Way {
    /// Returns the arguments and the environment of the command. The user's arguments keep their
    /// order, and follow.
    ///
    /// # Errors
    ///
    /// What the user has to correct first.
    pub(super) fn prepare(
        &self,
        announced: &Announced,
        arguments: Vec<OsString>,
        environment: &Environment,
    ) -> Result<Prepared, &'static str> {
        let filled = |template: &str| {
            let text = template.replace("{url}", &announced.url);
            text.replace("{bearer}", &announced.bearer)
        };
        let variables = self.environment.iter();
        let mut prepared = Prepared {
            arguments,
            environment: variables
                .map(|(name, value)| (*name, filled(value)))
                .collect(),
        };
        let user = User {
            announced,
            environment,
        };
        if let Some(adapt) = self.adapt {
            adapt(&mut prepared, &user)?;
        }
        let ours = self
            .arguments
            .iter()
            .map(|argument| filled(argument).into());
        prepared
            .arguments
            .splice(..0, ours.collect::<Vec<OsString>>());
        Ok(prepared)
    }
}

#[cfg(test)]
mod tests {
    use byokey_app_server::config::Environment;

    use super::super::announced::Announced;
    use super::Recipe;

    fn prepared(recipe: &Recipe, is_login: bool) -> (Vec<String>, Vec<String>) {
        let announced = Announced::fake();
        let own = vec!["exec".into(), "hello".into()];
        let prepared = recipe.way(is_login).prepare(
            &announced,
            own,
            &Environment::of([("CODEX_HOME", "/none")]),
        );
        let prepared = prepared.unwrap();
        let text = |word: std::ffi::OsString| word.into_string().unwrap();
        let variables = prepared.environment.into_iter();
        (
            prepared.arguments.into_iter().map(text).collect(),
            variables
                .map(|(name, value)| format!("{name}={value}"))
                .collect(),
        )
    }

    #[test]
    fn codex_gets_no_bearer_in_its_arguments_and_never_its_own_store() {
        let codex = Recipe::named("codex".as_ref()).unwrap();
        for is_login in [true, false] {
            let (arguments, variables) = prepared(codex, is_login);
            let text = arguments.join(" ");
            assert!(
                text.contains(r#"-c cli_auth_credentials_store="ephemeral""#),
                "{text}"
            );
            assert!(
                !text.contains("at-made-up") && !text.contains('{'),
                "{text}"
            );
            assert!(!text.to_lowercase().contains(r#"name="openai""#), "{text}");
            assert!(
                arguments.ends_with(&["exec".to_owned(), "hello".to_owned()]),
                "{text}"
            );
            assert!(
                variables.iter().any(|it| it.ends_with("=at-made-up")),
                "{variables:?}"
            );
        }
    }

    #[test]
    fn any_program_gets_what_the_libraries_of_openai_read() {
        let (arguments, variables) = prepared(Recipe::any(), true);
        assert_eq!(arguments, ["exec", "hello"]);
        let url = "OPENAI_BASE_URL=http://127.0.0.1:8455/v1";
        assert_eq!(variables, [url, "OPENAI_API_KEY=at-made-up"]);
    }
}
