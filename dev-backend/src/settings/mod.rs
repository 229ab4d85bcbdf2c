//! The settings of a script: how strict and how odd the backend is. `docs/backend.md` says where
//! each default was seen.

pub(crate) mod measured;
pub(crate) mod unpublished;
