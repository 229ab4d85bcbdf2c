//! The default responses of the backend. One file per route.

pub(crate) mod accounts;
pub(crate) mod answer;
mod models;
mod profile;
mod reset_credits;
mod responses;
pub(crate) mod usage;
