//! From the spawn to the first response.

use std::time::Instant;

use super::{Figures, Scale};
use crate::Failure;
use crate::candidate::Candidate;
use crate::host::INITIALIZE;
use crate::proc::page_faults;
use crate::process::Process;
use crate::samples::Samples;
use crate::site::Site;

/// Starts of one candidate in a row, in one home.
const STARTS: usize = 40;

pub(super) fn first_answer(candidate: &Candidate, scale: Scale) -> Result<Figures, Failure> {
    let site = Site::new()?;
    let (mut times, mut faults) = (Vec::new(), Vec::new());
    for _ in 0..scale.of(STARTS, candidate) {
        let begin = Instant::now();
        let mut process = Process::start(candidate, site.home.path(), &[])?;
        process.write(INITIALIZE)?;
        process.line()?;
        times.push(begin.elapsed().as_secs_f64());
        faults.push(page_faults(process.pid())?);
    }
    let figures = [("start", times), ("start-faults", faults)];
    Ok(figures
        .into_iter()
        .filter_map(|(id, samples)| Some((id, Samples::new(samples).median()?)))
        .collect())
}
