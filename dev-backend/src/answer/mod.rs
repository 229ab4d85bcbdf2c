//! Answers: a whole body or a stream of events, and the events that make up a model's reply.

pub(crate) mod ending;
pub(crate) mod reply;
pub(crate) mod stream;
pub(crate) mod whole;
