//! Workload identity, by which codex exchanges the identity of a machine for tokens. It is not
//! supported: a login by it is neither tried nor waited for.

use super::environment::Environment;
use super::findings::Findings;

/// The variable that makes codex sign in by workload identity.
pub const FEDERATION_RULE: &str = "OPENAI_FEDERATION_RULE_ID";

/// Reports the variable, if it is set. Nothing is stopped, and its value is not read.
pub(super) fn report(environment: &Environment, findings: &mut Findings) {
    if environment.get(FEDERATION_RULE).is_some() {
        findings.notice(
            "Workload identity is not supported.",
            format!(
                "{FEDERATION_RULE} is set and has no effect: codex would sign in by it, here a \
                 login of another kind is needed"
            ),
        );
    }
}
