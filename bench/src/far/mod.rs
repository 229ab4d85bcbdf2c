//! A backend that is far away: how many round trips everything takes.
//!
//! `bench/far.py` puts the backend into a network namespace of its own and delays every frame on
//! the way to it; `backend` is what runs there, `run` and `steps` what runs near. Each run appends
//! its records to a file, from which `gather` reads them for the page.

mod backend;
mod gather;
mod record;
mod run;
mod steps;

pub(crate) use backend::serve;
pub(crate) use gather::{Far, gather};
pub(crate) use record::{GOAL_DELAY, Record, STEPS, Step};
pub(crate) use run::run;
