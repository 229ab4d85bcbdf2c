//! Opens a page in the user's browser: that of `BROWSER`, else the one that the system opens pages
//! with.
//!
//! The crate `open` knows the systems, WSL among them. It returns commands that are not started
//! yet, so that no secret reaches their environment.

use std::process::{Command, Stdio};

use byokey_app_server::config::Environment;

use super::environment::withhold;

/// Variables that show that there may be a screen.
const SCREENS: [&str; 2] = ["DISPLAY", "WAYLAND_DISPLAY"];
/// Set inside WSL, where Windows has the screen.
const WSL: [&str; 2] = ["WSL_INTEROP", "WSL_DISTRO_NAME"];

/// The programs to try: those of the user, then those of the system.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Openers {
    /// Each with the arguments before the address.
    named: Vec<Vec<String>>,
    has_screen: bool,
}

impl Openers {
    /// Returns those of this machine; none without a screen.
    pub(super) fn of(environment: &Environment) -> Self {
        let is_set = |name: &&str| environment.get(name).is_some();
        let has_no_variable = cfg!(any(target_os = "macos", windows));
        Self {
            named: named(environment.get("BROWSER").unwrap_or_default()),
            has_screen: has_no_variable || SCREENS.iter().chain(&WSL).any(is_set),
        }
    }

    /// Opens the page. Returns whether one of the programs was started: a missing one is not an error,
    /// because the address is printed anyway.
    pub(super) fn open(&self, url: &str) -> bool {
        self.commands(url).into_iter().any(started)
    }

    fn commands(&self, url: &str) -> Vec<Command> {
        let named = self.named.iter().filter_map(|words| {
            let (program, arguments) = words.split_first()?;
            let mut command = Command::new(program);
            command.args(arguments).arg(url);
            Some(command)
        });
        let mut commands: Vec<_> = named.collect();
        if self.has_screen {
            commands.extend(open::commands(url));
        }
        commands
    }
}

/// Returns the programs in the value of `BROWSER`: separated by colons, each with arguments. `%s`
/// stands for the address, which is the last argument in any case.
fn named(value: &str) -> Vec<Vec<String>> {
    let all = value.split(if cfg!(windows) { ';' } else { ':' });
    let words = all.map(|one| {
        let words = one.split_whitespace().filter(|word| *word != "%s");
        words.map(str::to_owned).collect::<Vec<_>>()
    });
    words.filter(|words| !words.is_empty()).collect()
}

/// Starts a program without waiting for it: a text browser on this terminal would never end.
fn started(mut command: Command) -> bool {
    withhold(&mut command, std::env::vars_os().map(|(name, _)| name));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .is_ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use byokey_app_server::config::Environment;

    use super::Openers;

    const URL: &str = "https://issuer.example/?state=made-up&x='y";

    fn words(command: &Command) -> String {
        let all = [command.get_program()]
            .into_iter()
            .chain(command.get_args());
        let all: Vec<_> = all.map(|word| word.to_string_lossy()).collect();
        all.join(" ")
    }

    #[test]
    fn programs_are_tried_in_the_order_in_which_they_fit() {
        for (variables, named, has_system) in [
            ([("A", ""), ("B", "")], &[][..], false),
            ([("DISPLAY", ":0"), ("B", "")], &[], true),
            ([("BROWSER", " "), ("WAYLAND_DISPLAY", "w")], &[], true),
            ([("BROWSER", "/opt/b.sh"), ("B", "")], &["/opt/b.sh"], false),
            (
                [("BROWSER", "w3m:b --new %s"), ("DISPLAY", ":0")],
                &["w3m", "b --new"],
                true,
            ),
            ([("WSL_DISTRO_NAME", "Debian"), ("B", "")], &[], true),
        ] {
            let commands = Openers::of(&Environment::of(variables)).commands(URL);
            let commands: Vec<_> = commands.iter().map(words).collect();
            let mut expected: Vec<_> = named.iter().map(|it| format!("{it} {URL}")).collect();
            if has_system {
                expected.extend(open::commands(URL).iter().map(words));
            }
            assert_eq!(commands, expected, "{variables:?}");
        }
    }

    #[test]
    fn the_systems_programs_get_the_address_as_it_is() {
        let environment = Environment::of([("DISPLAY", ":0")]);
        let commands = Openers::of(&environment).commands(URL);
        let commands: Vec<_> = commands.iter().map(words).collect();
        assert!(
            commands.contains(&format!("xdg-open {URL}")),
            "{commands:?}"
        );
    }
}
