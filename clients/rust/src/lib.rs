//! Client of `byokey app-server`: the host owns the login, the server puts it to use.
//!
//! [`ByokeyClient::spawn`] starts a server. It needs a [`TokenProvider`], because the server
//! requests new tokens when the backend refuses the old ones. The types of the protocol are those
//! of [`protocol`].

mod account;
mod client;
mod client_t;
mod command_tokens;
mod connection;
mod error;
mod events;
mod host;
mod identify;
mod launched;
mod options;
mod process;
mod provider;
mod redact;
mod run;
mod supervision;
mod supervisor;

pub use account::Account;
pub use byokey_protocol as protocol;
pub use client::{ByokeyClient, Login};
pub use command_tokens::{CommandTokens, command_tokens};
pub use error::{ByokeyError, RequestError};
pub use events::{Event, EventStream};
pub use launched::Launched;
pub use options::SpawnOptions;
pub use provider::{BearerTokenProvider, ProviderError, TokenProvider, first_login, tokens};
pub use run::{DeviceCode, RunResult};
pub use supervision::{BearerLogin, CloseAction, Restart, ServerEnd, Supervision};
pub use supervisor::Supervisor;
