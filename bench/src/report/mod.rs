//! The report of a run: a page, JSON and charts.

mod builds;
mod chart;
mod far;
mod json;
mod page;
mod svg;
mod text;

pub(crate) use chart::{goals, growths};
pub(crate) use far::table as far_table;
pub(crate) use json::json;
pub(crate) use page::{page, table};
