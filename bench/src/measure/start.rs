//! From the spawn to the first answer.

use std::time::Instant;

use super::{Figures, Scale};
use crate::Failure;
use crate::candidate::Candidate;
use crate::host::INITIALIZE;
use crate::process::Process;
use crate::samples::Samples;
use crate::site::Site;

/// Starts of one candidate in a row, in one home.
const STARTS: usize = 40;

pub(super) fn first_answer(candidate: &Candidate, scale: Scale) -> Result<Figures, Failure> {
    let site = Site::new()?;
    let mut samples = Vec::new();
    for _ in 0..scale.of(STARTS, candidate) {
        let begin = Instant::now();
        let mut process = Process::start(candidate, site.home.path(), &[])?;
        process.write(INITIALIZE)?;
        process.line()?;
        samples.push(begin.elapsed().as_secs_f64());
    }
    let start = Samples::new(samples).median();
    Ok(start.map(|start| ("start", start)).into_iter().collect())
}
