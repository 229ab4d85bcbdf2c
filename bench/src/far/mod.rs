//! A backend that is far away: how many round trips everything takes.
//!
//! `bench/far.py` puts the backend into a network namespace of its own and delays every frame on
//! the way to it; this is what runs on either side.

mod backend;
mod steps;

pub(crate) use backend::serve;
pub(crate) use steps::run;
