//! Responses: a whole body, an event stream or an endless one, and the events of a model's reply.

pub(crate) mod edge;
pub(crate) mod ending;
pub(crate) mod endless;
pub(crate) mod error;
pub(crate) mod frame;
pub(crate) mod limit_event;
pub(crate) mod limit_headers;
pub(crate) mod reply;
pub(crate) mod stream;
pub(crate) mod usage;
pub(crate) mod whole;
