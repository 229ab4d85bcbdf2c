//! One handler per method: from parameters to calls. The rules are in `auth`, `backend` and
//! `threads`.

pub(crate) mod account;
pub(crate) mod backend;
pub(crate) mod config;
pub(crate) mod gateway;
pub(crate) mod initialize;
pub(crate) mod login;
pub(crate) mod thread;
mod thread_config;
pub(crate) mod thread_lifecycle;
pub(crate) mod tools;
pub(crate) mod turn;
