//! codex's agent options that precede the subcommand: hosts pass them when they spawn `codex
//! app-server`. They are accepted and have no effect.

use std::ffi::OsString;

use clap::Args;

/// Options of codex without effect.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Accepted for compatibility with codex, without meaning here")]
pub(super) struct CodexOptions {
    /// Model of codex's terminal interface; threads name theirs, or the configuration does.
    #[arg(short, long, value_name = "MODEL")]
    model: Option<OsString>,
    /// Approval policy: there are no tools.
    #[arg(short = 'a', long, value_name = "POLICY")]
    ask_for_approval: Option<OsString>,
    /// Sandbox policy: there are no tools.
    #[arg(short, long, value_name = "MODE")]
    sandbox: Option<OsString>,
    /// Working folder of the agent; threads name theirs.
    #[arg(short = 'C', long, value_name = "DIR")]
    cd: Option<OsString>,
    /// Further folders: there are no tools.
    #[arg(long, value_name = "DIR")]
    add_dir: Vec<OsString>,
    /// Images of a first prompt: there is no prompt.
    #[arg(short, long, value_name = "FILE")]
    image: Vec<OsString>,
    /// Web search: there are no tools.
    #[arg(long)]
    search: bool,
    /// Refuse unknown settings: settings of codex that are unknown here stop nothing.
    #[arg(long)]
    strict_config: bool,
    /// Local models: the provider is the configuration's `model_provider`.
    #[arg(long)]
    oss: bool,
    /// Server of local models: the provider is the configuration's `model_provider`.
    #[arg(long, value_name = "PROVIDER")]
    local_provider: Option<OsString>,
    /// Automatic work in a sandbox: there are no tools.
    #[arg(long)]
    full_auto: bool,
    /// Automatic review of approvals: there are no tools.
    #[arg(long)]
    approve_for_me: bool,
    /// Work without approvals: there are no tools.
    #[arg(long, alias = "yolo")]
    dangerously_bypass_approvals_and_sandbox: bool,
    /// Trust in hooks: there are none.
    #[arg(long)]
    dangerously_bypass_hook_trust: bool,
    /// Git worktree of the agent: there are no tools.
    #[arg(long)]
    worktree: bool,
    /// Colours of the output: there are none.
    #[arg(long, value_name = "WHEN")]
    color: Option<OsString>,
    /// Screen of the terminal interface: there is none.
    #[arg(long)]
    no_alt_screen: bool,
    /// Shared background server: there is none.
    #[arg(long)]
    no_daemon: bool,
}

impl CodexOptions {
    /// Reports which options were given, without their values.
    pub(super) fn report(&self) {
        let given = self.given();
        if !given.is_empty() {
            tracing::warn!(
                "ignoring options without meaning here: {}",
                given.join(", ")
            );
        }
    }

    fn given(&self) -> Vec<&'static str> {
        let all = [
            ("--model", self.model.is_some()),
            ("--ask-for-approval", self.ask_for_approval.is_some()),
            ("--sandbox", self.sandbox.is_some()),
            ("--cd", self.cd.is_some()),
            ("--add-dir", !self.add_dir.is_empty()),
            ("--image", !self.image.is_empty()),
            ("--search", self.search),
            ("--strict-config", self.strict_config),
            ("--oss", self.oss),
            ("--local-provider", self.local_provider.is_some()),
            ("--full-auto", self.full_auto),
            ("--approve-for-me", self.approve_for_me),
            (
                "--dangerously-bypass-approvals-and-sandbox",
                self.dangerously_bypass_approvals_and_sandbox,
            ),
            (
                "--dangerously-bypass-hook-trust",
                self.dangerously_bypass_hook_trust,
            ),
            ("--worktree", self.worktree),
            ("--color", self.color.is_some()),
            ("--no-alt-screen", self.no_alt_screen),
            ("--no-daemon", self.no_daemon),
        ];
        let given = all.into_iter().filter(|(_, is_given)| *is_given);
        given.map(|(name, _)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, Command, FromArgMatches as _};

    use super::CodexOptions;

    /// Every option is in the list of those reported: none is ignored silently.
    #[test]
    fn every_option_is_reported() {
        let command = CodexOptions::augment_args(Command::new("byokey"));
        for option in command.get_arguments() {
            let name = format!("--{}", option.get_long().unwrap());
            let takes_value = option.get_action().takes_values();
            let words = ["byokey", &name, "value"];
            let words = &words[..if takes_value { 3 } else { 2 }];
            let matches = command.clone().try_get_matches_from(words).unwrap();
            let options = CodexOptions::from_arg_matches(&matches).unwrap();
            assert_eq!(options.given(), [name.as_str()]);
        }
    }
}
