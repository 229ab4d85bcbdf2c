//! Scripts: the JSON document, one step of it, its progress, and the bearers it refuses.

mod arguments;
pub(crate) mod bearers;
pub(crate) mod cursor;
pub(crate) mod document;
pub(crate) mod error;
pub(crate) mod step;
