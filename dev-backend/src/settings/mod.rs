//! The settings of a script: how strict and how odd the backend is. `docs/backend.md` names the
//! source of each default.

pub(crate) mod measured;
pub(crate) mod unpublished;
