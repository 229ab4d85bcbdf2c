//! A login with a host's tokens, until its response.

use std::time::{Duration, Instant};

use super::{Figures, Scale};
use crate::Failure;
use crate::candidate::Candidate;
use crate::host::Host;
use crate::samples::Samples;
use crate::site::Site;

/// Logins of one candidate.
const LOGINS: usize = 1_000;
/// Silence that ends the messages after a login.
pub(super) const QUIET: Duration = Duration::from_millis(200);

pub(super) fn round_trips(candidate: &Candidate, scale: Scale) -> Result<Figures, Failure> {
    let site = Site::new()?;
    let mut host = Host::start(candidate, &site)?;
    let mut samples = Vec::new();
    for number in 0..scale.of(LOGINS, candidate) {
        let begin = Instant::now();
        host.login(number)?;
        samples.push(begin.elapsed().as_secs_f64());
        host.notification("account/updated")?;
    }
    let login = Samples::new(samples).median();
    Ok(login.map(|login| ("login", login)).into_iter().collect())
}
