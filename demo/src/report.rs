//! The result of the checks.

use super::host::Stop;

/// The checks so far, and their results.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// The current chapter, counted from 1.
    pub(super) chapter: usize,
    checks: usize,
    /// The failed checks with their chapters.
    pub(super) broken: Vec<(usize, String)>,
}

impl Report {
    pub(super) fn count(&mut self, check: &str, holds: bool) {
        self.checks += 1;
        if !holds {
            self.broken.push((self.chapter, check.to_owned()));
        }
    }

    /// Records a chapter that could not be finished.
    pub(super) fn stopped(&mut self, stop: &Stop) {
        self.count(&stop.to_string(), false);
    }

    /// Returns whether there were checks and all of them passed.
    pub(super) fn is_good(&self) -> bool {
        self.checks > 0 && self.broken.is_empty()
    }

    /// Returns the result in one line.
    pub(super) fn line(&self) -> String {
        let (checks, broken) = (self.checks, self.broken.len());
        match self.broken.first() {
            _ if checks == 0 => "✗ exit code 1: nothing was checked".to_owned(),
            None => format!(
                "✓ exit code 0: {} chapters, {checks} checks, all as expected",
                self.chapter
            ),
            Some((chapter, check)) => format!(
                "✗ exit code 1: {broken} of {checks} checks failed, the first in chapter \
                 {chapter}: {check}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_broken_check_spoils_the_verdict() {
        let mut report = Report {
            chapter: 3,
            ..Report::default()
        };
        assert!(!report.is_good(), "nothing was checked");
        report.count("one", true);
        report.count("two", true);
        assert!(report.is_good());
        assert_eq!(
            report.line(),
            "✓ exit code 0: 3 chapters, 2 checks, all as expected"
        );
        report.count("three", false);
        report.count("four", true);
        assert!(!report.is_good());
        assert_eq!(
            report.line(),
            "✗ exit code 1: 1 of 4 checks failed, the first in chapter 3: three"
        );
    }

    #[test]
    fn a_story_that_stops_is_no_good() {
        let mut report = Report::default();
        report.count("one", true);
        report.stopped(&Stop::NotJson);
        assert!(!report.is_good());
        assert!(report.line().contains("not JSON"), "{}", report.line());
    }
}
