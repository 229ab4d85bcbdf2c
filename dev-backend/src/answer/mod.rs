//! Answers: a whole body, a stream of events or one without an end, and the events that make up a model's reply.

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
