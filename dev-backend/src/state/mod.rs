//! What the backend remembers from one request to the next.

pub(crate) mod memory;
pub(crate) mod prompt_cache;
pub(crate) mod rates;
pub(crate) mod reasoning;
