//! Is one gateway better than another? Samples come in pairs, taken one right after the other, so what the
//! machine did meanwhile (its clock, its neighbours) is in both and cancels in their ratio. Pairs of one
//! round share their processes, whose luck with memory is the same for all of them, so it is rounds that are
//! drawn anew for the confidence interval, and pairs only within a round.

use super::robust::hodges_lehmann;
use crate::base::prng::Prng;

/// Times the samples are drawn anew. The ends of the interval then move by some hundredths of its width.
const DRAWS: usize = 2_000;

/// Share of the draws outside the interval, at each end: 95 % are inside.
const TAIL: f64 = 0.025;

/// Where 97.5 % of a normal distribution lie below, in standard deviations; and of Student's with 1, 2, 3, …
/// degrees of freedom.
const NORMAL: f64 = 1.960;
const STUDENT: [f64; 10] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];

/// A ratio nearer to one than this is called the same however sure it is: nobody would feel it, and the
/// layout of a build alone moves more.
const NEGLIGIBLE: f64 = 0.01;

/// Fewer pairs than this say nothing of their own spread.
const PAIRS_MIN: usize = 3;

/// One sample of each gateway.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pair {
    /// Which round.
    pub round: u32,
    /// Of the first gateway.
    pub one: f64,
    /// Of the other.
    pub other: f64,
}

/// How the first gateway stands beside the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Better, and not by chance.
    Better,
    /// Worse, and not by chance.
    Worse,
    /// The difference is within the noise, or too small to matter.
    Same,
    /// Too few pairs to tell.
    Unclear,
}

/// The ratio of one gateway to the other.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Comparison {
    /// Pairs.
    pub n: usize,
    /// The first divided by the other.
    pub ratio: f64,
    /// The 95 % confidence interval of that.
    pub low: f64,
    /// Its other end.
    pub high: f64,
    /// What it means.
    pub verdict: Verdict,
}

/// Compares. `None` when there is no pair, or when a value has no ratio: zero, negative, or no number.
pub fn compare(pairs: &[Pair], lower_is_better: bool, seed: u64) -> Option<Comparison> {
    compare_drawing(DRAWS, pairs, lower_is_better, seed)
}

fn compare_drawing(draws: usize, pairs: &[Pair], lower_is_better: bool, seed: u64) -> Option<Comparison> {
    let good = |value: f64| value.is_finite() && value > 0.0;
    if pairs.is_empty() || !pairs.iter().all(|pair| good(pair.one) && good(pair.other)) {
        return None;
    }
    let rounds = log_ratios(pairs);
    let middle = center(rounds.iter().map(Vec::as_slice))?;
    let mut random = Prng::from_seed(seed);
    let mut draws: Vec<f64> = (0..draws).filter_map(|_| draw(&rounds, &mut random)).collect();
    draws.sort_by(f64::total_cmp);
    let end = |share: f64| draws.get(((draws.len() - 1) as f64 * share).round() as usize).copied();
    // Of one round only its pairs can be drawn; what another process would have brought stays unknown.
    let drawn = if rounds.len() == 1 { pairs.len() } else { rounds.len() };
    let wider = expansion(drawn);
    let low = middle - wider * (middle - end(TAIL)?).max(0.0);
    let high = middle + wider * (end(1.0 - TAIL)? - middle).max(0.0);
    let certain = (low > 0.0 || high < 0.0) && (middle.exp() - 1.0).abs() >= NEGLIGIBLE;
    let verdict = match (certain, (middle < 0.0) == lower_is_better) {
        _ if pairs.len() < PAIRS_MIN => Verdict::Unclear,
        (false, _) => Verdict::Same,
        (true, true) => Verdict::Better,
        (true, false) => Verdict::Worse,
    };
    Some(Comparison { n: pairs.len(), ratio: middle.exp(), low: low.exp(), high: high.exp(), verdict })
}

/// How much wider than the draws the interval has to be. Draws of few samples vary too little, by the root of
/// `n / (n - 1)`, and know nothing of their tails; the expanded interval (Hesterberg, 2015) mends both with
/// Student's distribution in place of the normal one.
fn expansion(samples: usize) -> f64 {
    let freedom = samples.saturating_sub(1);
    let student = STUDENT.get(freedom.saturating_sub(1)).copied().unwrap_or(NORMAL + 2.4 / freedom as f64);
    (samples as f64 / freedom.max(1) as f64).sqrt() * student / NORMAL
}

/// The logarithms of the ratios, by round: there, twice as much and half as much are equally far from one.
fn log_ratios(pairs: &[Pair]) -> Vec<Vec<f64>> {
    let mut rounds: Vec<(u32, Vec<f64>)> = Vec::new();
    for pair in pairs {
        let ratio = (pair.one / pair.other).ln();
        match rounds.iter_mut().find(|(round, _)| *round == pair.round) {
            Some((_, ratios)) => ratios.push(ratio),
            None => rounds.push((pair.round, vec![ratio])),
        }
    }
    rounds.into_iter().map(|(_, ratios)| ratios).collect()
}

/// The middle of the middles of the rounds.
fn center<'r>(rounds: impl Iterator<Item = &'r [f64]>) -> Option<f64> {
    let middles: Vec<f64> = rounds.filter_map(hodges_lehmann).collect();
    hodges_lehmann(&middles)
}

/// The same of samples drawn anew, with repetition: as many rounds, and of each as many pairs.
fn draw(rounds: &[Vec<f64>], random: &mut Prng) -> Option<f64> {
    let pick = |len: usize, random: &mut Prng| usize::try_from(random.below(len as u64)).unwrap_or(0);
    let drawn: Vec<Vec<f64>> = (0..rounds.len())
        .map(|_| {
            let round = &rounds[pick(rounds.len(), random)];
            (0..round.len()).map(|_| round[pick(round.len(), random)]).collect()
        })
        .collect();
    center(drawn.iter().map(Vec::as_slice))
}

#[cfg(test)]
mod tests {
    use super::{Comparison, Pair, Verdict, compare, compare_drawing, expansion};
    use crate::base::prng::Prng;

    /// With few draws, because tests are not optimised.
    fn compared(pairs: &[Pair], lower_is_better: bool) -> Comparison {
        compare_drawing(100, pairs, lower_is_better, 1).unwrap()
    }

    /// Noise of some 10 %, with a wild value now and then.
    fn noisy(random: &mut Prng) -> f64 {
        let wild = if random.below(20) == 0 { 3.0 } else { 1.0 };
        let sum: u64 = (0..6).map(|_| random.below(1000)).sum();
        wild * (1.0 + (sum as f64 / 3000.0 - 1.0) * 0.25)
    }

    fn pairs(rounds: u32, each: u32, factor: f64, seed: u64) -> Vec<Pair> {
        let mut random = Prng::from_seed(seed);
        let mut pairs = Vec::new();
        for round in 0..rounds {
            // What the machine does to both.
            let weather = 1.0 + random.below(1000) as f64 / 500.0;
            for _ in 0..each {
                let one = factor * weather * noisy(&mut random);
                pairs.push(Pair { round, one, other: weather * noisy(&mut random) });
            }
        }
        pairs
    }

    #[test]
    fn a_planted_regression_of_a_twentieth_is_found() {
        for seed in 0..3 {
            let pairs = pairs(30, 10, 1.05, seed);
            let found = compared(&pairs, true);
            assert_eq!(found.verdict, Verdict::Worse, "{found:?}");
            assert!(found.low <= found.ratio && found.ratio <= found.high);
            assert!((1.02..1.08).contains(&found.ratio), "{found:?}");
            assert_eq!(compared(&pairs, false).verdict, Verdict::Better);
        }
    }

    #[test]
    fn equals_are_the_same_nearly_always() {
        let verdicts = (0..40).map(|seed| compared(&pairs(8, 5, 1.0, seed), true).verdict);
        assert!(verdicts.filter(|verdict| *verdict != Verdict::Same).count() <= 4);
    }

    #[test]
    fn few_rounds_widen_the_interval() {
        assert!((expansion(2) - 9.17).abs() < 0.01);
        assert!((expansion(5) - 1.58).abs() < 0.01);
        assert!((expansion(11) - 1.19).abs() < 0.01);
        assert!((expansion(30) - 1.06).abs() < 0.01);
        assert!(expansion(100_000) < 1.001 && expansion(0).is_finite() && expansion(1) > 6.0);
    }

    #[test]
    fn equal_seeds_give_equal_intervals() {
        let pairs = pairs(5, 4, 1.1, 3);
        assert_eq!(compare(&pairs, true, 9), compare(&pairs, true, 9));
        assert_ne!(compare(&pairs, true, 9), compare(&pairs, true, 10));
    }

    #[test]
    fn what_has_no_ratio_is_not_compared() {
        assert_eq!(compare(&[], true, 1), None);
        for value in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let pair = Pair { round: 0, one: value, other: 1.0 };
            assert_eq!(compare(&[pair], true, 1), None);
        }
        let lone = compare(&[Pair { round: 0, one: 1.0, other: 2.0 }], true, 1).unwrap();
        assert_eq!((lone.ratio, lone.verdict), (0.5, Verdict::Unclear));
    }
}
