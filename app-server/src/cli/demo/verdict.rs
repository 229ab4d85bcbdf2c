//! The result of the checks.

use super::host::Stop;

/// The checks so far, and their results.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// The current chapter, counted from 1.
    pub(super) chapter: usize,
    claims: usize,
    /// The failed checks with their chapters.
    pub(super) broken: Vec<(usize, String)>,
}

impl Verdict {
    pub(super) fn count(&mut self, claim: &str, holds: bool) {
        self.claims += 1;
        if !holds {
            self.broken.push((self.chapter, claim.to_owned()));
        }
    }

    /// Records a chapter that could not be finished.
    pub(super) fn stopped(&mut self, stop: &Stop) {
        self.count(&stop.to_string(), false);
    }

    /// Returns whether there were checks and all of them passed.
    pub(super) fn is_good(&self) -> bool {
        self.claims > 0 && self.broken.is_empty()
    }

    /// Returns the result in one line.
    pub(super) fn line(&self) -> String {
        let (claims, broken) = (self.claims, self.broken.len());
        match self.broken.first() {
            _ if claims == 0 => "✗ exit code 1: nothing was checked".to_owned(),
            None => format!(
                "✓ exit code 0: {} chapters, {claims} checks, all as expected",
                self.chapter
            ),
            Some((chapter, claim)) => format!(
                "✗ exit code 1: {broken} of {claims} checks failed, the first in chapter \
                 {chapter}: {claim}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_broken_claim_spoils_the_verdict() {
        let mut verdict = Verdict {
            chapter: 3,
            ..Verdict::default()
        };
        assert!(!verdict.is_good(), "nothing was checked");
        verdict.count("one", true);
        verdict.count("two", true);
        assert!(verdict.is_good());
        assert_eq!(
            verdict.line(),
            "✓ exit code 0: 3 chapters, 2 checks, all as expected"
        );
        verdict.count("three", false);
        verdict.count("four", true);
        assert!(!verdict.is_good());
        assert_eq!(
            verdict.line(),
            "✗ exit code 1: 1 of 4 checks failed, the first in chapter 3: three"
        );
    }

    #[test]
    fn a_story_that_stops_is_no_good() {
        let mut verdict = Verdict::default();
        verdict.count("one", true);
        verdict.stopped(&Stop::NotJson);
        assert!(!verdict.is_good());
        assert!(verdict.line().contains("not JSON"), "{}", verdict.line());
    }
}
