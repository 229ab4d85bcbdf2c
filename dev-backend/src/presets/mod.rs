//! Answers by name: failures and oddities of the real backend and issuer, ready for a script or
//! the command line. `docs/backend.md` says where each was seen.

mod edge;
mod issuer;
mod limits;
pub(crate) mod preset;
mod refusals;
mod sharing;
mod streams;
pub(crate) mod table;
mod usage;
