//! What codex gets beyond its row: its shell tools do not see the bearer.

use std::ffi::OsString;

use byokey_app_server::config::{Overrides, excluded_from_tools};

use super::recipes::{Prepared, User};

/// Patterns of variables that the model's commands do not get. codex keeps names with KEY and TOKEN
/// in them.
const HIDDEN: [&str; 2] = ["BYOKEY_*", "CODEX_ACCESS_TOKEN"];

/// codex's setting. It is a list, which replaces the user's.
const SETTING: &str = "shell_environment_policy.exclude";

/// The command of codex that runs another program: what follows that program's name is its own.
const SANDBOX: &str = "sandbox";

/// Options of codex whose value is the next argument.
const WITH_VALUE: [&str; 20] = [
    "-c",
    "--config",
    "-p",
    "--profile",
    "-P",
    "--permission-profile",
    "-C",
    "--cd",
    "-m",
    "--model",
    "-s",
    "--sandbox",
    "-a",
    "--ask-for-approval",
    "-i",
    "--image",
    "--enable",
    "--disable",
    "--sandbox-state-json",
    "--sandbox-state-readable-root",
];

/// Adds the list of hidden variables, with the user's own before it. It is set after the user's last
/// `-c`, since a later one takes precedence; otherwise before all arguments.
pub(super) fn hide_from_tools(
    prepared: &mut Prepared,
    user: &User<'_>,
) -> Result<(), &'static str> {
    let Given { overrides, behind } = given(&prepared.arguments);
    let mut patterns = excluded_from_tools(user.environment, &overrides);
    patterns.extend(HIDDEN.map(str::to_owned));
    // A JSON list of strings is also one of TOML.
    let list = serde_json::to_string(&patterns).unwrap_or_default();
    let setting = format!("{SETTING}={list}").into();
    prepared
        .arguments
        .splice(behind..behind, ["-c".into(), setting]);
    Ok(())
}

/// What the user's own arguments set.
struct Given {
    overrides: Overrides,
    /// The number of arguments up to the last setting.
    behind: usize,
}

/// Returns the number of arguments that are codex's own: up to `--`, and up to the program that its
/// sandbox runs.
fn own_arguments(arguments: &[OsString]) -> usize {
    let mut is_sandbox = false;
    let mut is_value = false;
    let is_over = |argument: &OsString| {
        let text = argument.to_str().unwrap_or_default();
        if std::mem::replace(&mut is_value, WITH_VALUE.contains(&text)) {
            is_value = false;
            return false;
        }
        let is_word = !text.starts_with('-');
        let is_over = text == "--" || is_word && is_sandbox;
        is_sandbox |= text == SANDBOX;
        is_over
    };
    let over = arguments.iter().position(is_over);
    over.unwrap_or(arguments.len())
}

/// Reads codex's `-c` and `-p` among its own arguments.
fn given(arguments: &[OsString]) -> Given {
    let mut found = Given {
        overrides: Overrides::default(),
        behind: 0,
    };
    let texts = arguments
        .iter()
        .map(|argument| argument.to_str().unwrap_or_default());
    let mut texts = texts.enumerate().take(own_arguments(arguments));
    while let Some((index, text)) = texts.next() {
        let mut end = index + 1;
        let mut value = |attached: &str| {
            let attached = attached.strip_prefix('=').unwrap_or(attached);
            if !attached.is_empty() {
                return attached.to_owned();
            }
            end += 1;
            texts
                .next()
                .map_or_else(String::new, |(_, text)| text.to_owned())
        };
        let long = |name: &str| {
            let rest = text.strip_prefix(name)?;
            (rest.is_empty() || rest.starts_with('=')).then_some(rest)
        };
        let short = |name: &str| text.strip_prefix(name).filter(|_| !text.starts_with("--"));
        if let Some(rest) = long("--config").or_else(|| short("-c")) {
            found.overrides.settings.push(value(rest));
            found.behind = end.min(arguments.len());
        } else if let Some(rest) = long("--profile").or_else(|| short("-p")) {
            found.overrides.profile = Some(value(rest));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use byokey_app_server::config::Environment;

    use super::super::announced::Announced;
    use super::super::recipes::{Prepared, User};
    use super::{given, hide_from_tools};

    fn words(arguments: &[&str]) -> Vec<OsString> {
        arguments.iter().map(Into::into).collect()
    }

    /// Returns the arguments for a user with this configuration.
    #[expect(clippy::disallowed_methods, reason = "the test plays the user")]
    fn hidden(config: &str, arguments: &[&str]) -> Vec<String> {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("config.toml"), config).unwrap();
        let profile = "[shell_environment_policy]\nexclude = ['P_*']";
        std::fs::write(home.path().join("work.config.toml"), profile).unwrap();
        let folder = home.path().to_str().unwrap();
        let environment = Environment::of([("CODEX_HOME", folder), ("BYOKEY_HOME", folder)]);
        let mut prepared = Prepared {
            arguments: words(arguments),
            environment: Vec::new(),
        };
        let user = User {
            announced: &Announced::fake(),
            environment: &environment,
        };
        hide_from_tools(&mut prepared, &user).unwrap();
        let texts = prepared.arguments.into_iter();
        texts.map(|word| word.into_string().unwrap()).collect()
    }

    fn list(patterns: &str) -> String {
        format!("shell_environment_policy.exclude=[{patterns}\"BYOKEY_*\",\"CODEX_ACCESS_TOKEN\"]")
    }

    #[test]
    fn the_users_own_list_is_kept() {
        assert_eq!(hidden("", &["exec", "x"]), ["-c", &list(""), "exec", "x"]);
        let own = "[shell_environment_policy]\nexclude = ['AWS_*']";
        assert_eq!(hidden(own, &[]), ["-c", &list("\"AWS_*\",")]);
        let profile = hidden(own, &["-p", "work"]);
        assert_eq!(profile, ["-c", &list("\"P_*\","), "-p", "work"]);
        assert_eq!(hidden("not = [toml", &[]), ["-c", &list("")]);
    }

    #[test]
    fn a_list_among_the_arguments_is_kept_too_and_not_the_last_word() {
        let mine = "shell_environment_policy.exclude=['X']";
        let ours = list("\"X\",");
        assert_eq!(
            hidden("", &["exec", "-c", mine, "-m", "x", "--", "-c", "y=1"]),
            [
                "exec", "-c", mine, "-c", &ours, "-m", "x", "--", "-c", "y=1"
            ]
        );
        for [joined, end] in [
            [format!("-c{mine}"), String::new()],
            [format!("--config={mine}"), "word".to_owned()],
        ] {
            let found = hidden("", &[&joined, &end]);
            assert_eq!(found, [joined.as_str(), "-c", &ours, &end]);
        }
    }

    #[test]
    fn the_arguments_of_a_program_in_the_sandbox_are_its_own() {
        let ours = list("");
        let nested = ["sandbox", "bash", "-c", "echo"];
        assert_eq!(
            hidden("", &nested),
            [&["-c", ours.as_str()], &nested[..]].concat()
        );
        // The list of the profile would replace the user's.
        let own = "[shell_environment_policy]\nexclude = ['AWS_*']";
        let nested = ["-m", "sandbox", "sandbox", "-C", "x", "mkdir", "-p", "work"];
        assert_eq!(hidden(own, &nested)[1], list("\"AWS_*\","));
        let mine = "shell_environment_policy.exclude=['X']";
        let before = ["-s", "sandbox", "sandbox", "-c", mine, "sh", "-c", "echo"];
        let found = hidden("", &before);
        let expected = ["-c", mine, "-c", &list("\"X\","), "sh", "-c", "echo"];
        assert_eq!(found[3..], expected);
    }

    #[test]
    fn other_options_are_no_settings() {
        for arguments in [
            &["--color", "never"][..],
            &["--cd", "x"],
            &["--", "-c", "a=1"],
            &["-C"],
        ] {
            assert_eq!(given(&words(arguments)).behind, 0, "{arguments:?}");
        }
        assert_eq!(
            given(&words(&["-c"])).behind,
            1,
            "codex reports what is missing"
        );
    }
}
