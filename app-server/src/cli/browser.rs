//! Opens a page in the user's browser: that of `BROWSER`, Windows' own from inside WSL, or what the
//! system opens pages with.

use std::process::{Command, Stdio};

use byokey_app_server::config::Environment;

use super::environment::withhold;

/// Variables that show that there may be a screen.
const SCREENS: [&str; 2] = ["DISPLAY", "WAYLAND_DISPLAY"];
/// Set inside WSL, where Windows has the screen.
const WSL: [&str; 2] = ["WSL_INTEROP", "WSL_DISTRO_NAME"];

/// The programs to try, in order: each with the arguments before the address.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Openers(Vec<Vec<String>>);

impl Openers {
    /// Returns those of this machine; none without a screen.
    pub(super) fn of(environment: &Environment) -> Self {
        let is_set = |name: &&str| environment.get(name).is_some();
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        let mut openers: Vec<Vec<String>> = named(environment.get("BROWSER").unwrap_or_default());
        if cfg!(target_os = "macos") {
            openers.push(words(&["open"]));
        } else if cfg!(windows) {
            openers.push(words(&["rundll32", "url.dll,FileProtocolHandler"]));
        } else if WSL.iter().any(is_set) {
            openers.push(words(&["wslview"]));
            // Not `cmd.exe /c start`: it would interpret the address.
            openers.push(words(&["rundll32.exe", "url.dll,FileProtocolHandler"]));
        }
        if cfg!(unix) && SCREENS.iter().any(is_set) {
            openers.push(words(&["xdg-open"]));
        }
        Self(openers)
    }

    /// Opens the page. Returns whether one of the programs was started: a missing one is no error,
    /// because the address is printed anyway.
    pub(super) fn open(&self, url: &str) -> bool {
        self.0.iter().any(|words| started(words, url))
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

fn started(words: &[String], url: &str) -> bool {
    let Some((program, arguments)) = words.split_first() else {
        return false;
    };
    let mut command = Command::new(program);
    withhold(&mut command, std::env::vars_os().map(|(name, _)| name));
    command
        .args(arguments)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .is_ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use byokey_app_server::config::Environment;

    use super::Openers;

    #[test]
    fn programs_are_tried_in_the_order_in_which_they_fit() {
        for (variables, expected) in [
            ([("A", ""), ("B", "")], &[][..]),
            ([("DISPLAY", ":0"), ("B", "")], &["xdg-open"]),
            ([("BROWSER", " "), ("WAYLAND_DISPLAY", "w")], &["xdg-open"]),
            ([("BROWSER", "/opt/b.sh"), ("B", "")], &["/opt/b.sh"]),
            (
                [("BROWSER", "w3m:b --new %s"), ("DISPLAY", ":0")],
                &["w3m", "b --new", "xdg-open"],
            ),
            (
                [("WSL_DISTRO_NAME", "Debian"), ("B", "")],
                &["wslview", "rundll32.exe url.dll,FileProtocolHandler"],
            ),
        ] {
            let Openers(openers) = Openers::of(&Environment::of(variables));
            let openers: Vec<_> = openers.iter().map(|words| words.join(" ")).collect();
            assert_eq!(openers, expected, "{variables:?}");
        }
    }
}
