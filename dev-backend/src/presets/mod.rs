//! Presets: named failures and oddities of the real backend and issuer, for scripts and the command
//! line. `docs/backend.md` names the source of each.

mod edge;
mod issuer;
mod limits;
pub(crate) mod preset;
mod refusals;
mod routing;
mod sharing;
mod streams;
pub(crate) mod table;
mod usage;
