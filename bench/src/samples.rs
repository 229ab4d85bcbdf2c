//! Many samples of one figure.

/// Samples in ascending order.
#[derive(Clone, Debug)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    /// Sorts samples.
    pub(crate) fn new(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        Self(samples)
    }

    /// Returns a quantile: the smallest sample not exceeded by this share of all samples; `None`
    /// without samples.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a rank lies between zero and the number of samples"
    )]
    pub(crate) fn quantile(&self, share: f64) -> Option<f64> {
        let rank = (self.0.len() as f64 * share).ceil() as usize;
        self.0.get(rank.saturating_sub(1)).copied()
    }

    /// Returns the median.
    pub(crate) fn median(&self) -> Option<f64> {
        self.quantile(0.5)
    }
}

#[cfg(test)]
mod tests {
    use super::Samples;

    #[test]
    fn quantiles_are_samples() {
        let hundred = Samples::new((1..=100).rev().map(f64::from).collect());
        assert_eq!(hundred.median(), Some(50.0));
        assert_eq!(hundred.quantile(0.99), Some(99.0));
        assert_eq!(hundred.quantile(0.999), Some(100.0));
        assert_eq!(Samples::new(Vec::new()).median(), None);
    }
}
