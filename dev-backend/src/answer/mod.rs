//! Answers: a whole body, a stream of events or one without an end, and the events that make up a model's reply.

pub(crate) mod ending;
pub(crate) mod endless;
pub(crate) mod frame;
pub(crate) mod reply;
pub(crate) mod stream;
pub(crate) mod whole;
