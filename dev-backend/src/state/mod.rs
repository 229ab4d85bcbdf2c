//! The backend's state across requests.

pub(crate) mod memory;
pub(crate) mod prompt_cache;
pub(crate) mod rates;
pub(crate) mod reasoning;
pub(crate) mod reset_credits;
