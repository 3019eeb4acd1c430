//! One metric of one gateway over all its samples.

use super::robust::median;

/// Least, middle and greatest.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Summary {
    /// Samples.
    pub n: usize,
    /// The least.
    pub min: f64,
    /// The middle.
    pub median: f64,
    /// The greatest.
    pub max: f64,
}

impl Summary {
    /// Of these values; `None` without any.
    pub fn of(values: &[f64]) -> Option<Self> {
        Some(Self {
            n: values.len(),
            min: values.iter().copied().min_by(f64::total_cmp)?,
            median: median(values)?,
            max: values.iter().copied().max_by(f64::total_cmp)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Summary;

    #[test]
    fn a_summary_holds_the_ends_and_the_middle() {
        assert_eq!(Summary::of(&[]), None);
        let summary = Summary::of(&[5.0, 1.0, 3.0]).unwrap();
        assert_eq!((summary.n, summary.min, summary.median, summary.max), (3, 1.0, 3.0, 5.0));
    }
}
