//! Several accounts in one server: their list, the selected one, and the names that tell them apart.
//!
//! `accountKey` is always this server's name for an account; `accountId` is always codex's, a
//! ChatGPT account. Clients without `capabilities.multipleAccounts` see the selected account alone.

use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::open::Open;

/// Result of `account/list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AccountListResult {
    /// The accounts, in the order of their first login.
    pub accounts: Vec<ListedAccount>,
    /// The `accountKey` of the account that is used where none is named; null if that place is
    /// empty. No other account takes it by itself.
    pub selected_key: Option<String>,
}

/// One account of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ListedAccount {
    /// The server's name of the account: opaque, and the same after a renewal.
    pub account_key: String,
    /// The name that a client gave at login.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub label: Option<String>,
    /// Its public part.
    pub account: Open<Account>,
    /// Who owns the login.
    pub owner: Open<AccountOwner>,
    /// Whether it can be used.
    pub state: Open<AccountState>,
    /// When its token expires, in seconds since 1970, if known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<i64>,
}

/// Who owns a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum AccountOwner {
    /// A client, which supplies its tokens.
    Host,
    /// This server.
    Server,
}

/// Whether an account can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum AccountState {
    /// As far as is known.
    Ok,
    /// Its token has expired; the next call renews it.
    Expired,
    /// It cannot be renewed any more: a new login is needed.
    ReauthRequired,
}

/// Parameters of `account/select`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AccountSelectParams {
    /// The account, by its key in `account/list`.
    pub account_key: String,
    /// The thread that goes on under the account, from its next turn; its encrypted reasoning is
    /// dropped. Without it, the account is used by new threads and by calls that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
}

/// Parameters of `account/remove`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AccountRemoveParams {
    /// The account, by its key in `account/list`.
    pub account_key: String,
    /// As in `account/logout`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke: Option<bool>,
}
