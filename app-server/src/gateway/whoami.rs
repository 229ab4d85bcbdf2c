//! The owner of the credential in force, as the issuer describes that of a personal access token.

use byokey_auth::{ChatgptAccount, Lease};
use byokey_protocol::account::PlanType;
use serde::Serialize;

use super::error::Refusal;

/// codex requires all members; only the address may be null.
#[derive(Serialize)]
pub(super) struct Whoami<'a> {
    email: Option<&'a str>,
    chatgpt_user_id: &'a str,
    chatgpt_account_id: &'a str,
    chatgpt_plan_type: PlanType,
    chatgpt_account_is_fedramp: bool,
}

/// Sent for an id that the login does not name: codex does not start with an empty one.
const UNNAMED: &str = "unknown";

/// Returns the owner of the credential in force.
pub(super) fn of(lease: Option<&Lease>) -> Result<Whoami<'_>, Refusal> {
    let lease = lease.ok_or_else(Refusal::signed_out)?;
    let account = lease.credential.chatgpt();
    let ChatgptAccount {
        id,
        user_id,
        plan,
        email,
        fedramp,
        residency: _,
    } = account.ok_or_else(Refusal::no_chatgpt_account)?;
    Ok(Whoami {
        email: email.as_deref(),
        chatgpt_user_id: user_id.as_deref().unwrap_or(UNNAMED),
        chatgpt_account_id: id.as_deref().unwrap_or(UNNAMED),
        chatgpt_plan_type: *plan,
        chatgpt_account_is_fedramp: *fedramp,
    })
}
