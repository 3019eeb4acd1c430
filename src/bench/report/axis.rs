//! One axis of a picture: where a value lies, and which values are named.

use super::number::number;

/// Most names on an axis.
const TICKS_MAX: usize = 8;

/// How values are laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Scale {
    /// Equal differences are equally far apart.
    Linear,
    /// Equal ratios are.
    Log,
    /// Shares of a whole, by how rare what lies beyond is: 0, 90, 99, 99.9 % are equally far apart.
    Rarity,
}

/// One axis.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Axis {
    scale: Scale,
    /// Ends, as they are laid out.
    from: f64,
    to: f64,
}

impl Axis {
    /// One that holds all of these values; those that have no place on its scale do not count.
    pub(super) fn around(scale: Scale, values: impl Iterator<Item = f64>) -> Self {
        let (mut from, mut to) = (f64::INFINITY, f64::NEG_INFINITY);
        for laid in values.map(|value| lay(scale, value)).filter(|laid| laid.is_finite()) {
            from = from.min(laid);
            to = to.max(laid);
        }
        if from > to {
            (from, to) = (0.0, 1.0);
        }
        match scale {
            Scale::Linear => from = from.min(0.0),
            Scale::Log => (from, to) = (from - MARGIN, to + MARGIN),
            Scale::Rarity => from = 0.0,
        }
        if to - from < NARROWEST {
            to = from + 1.0;
        }
        Self { scale, from, to }
    }

    /// How far along it a value lies: 0 to 1. What lies beyond an end is put there.
    pub(super) fn place(&self, value: f64) -> f64 {
        let laid = lay(self.scale, value);
        let along = (laid - self.from) / (self.to - self.from);
        if along.is_nan() { 0.0 } else { along.clamp(0.0, 1.0) }
    }

    /// The values that are named, with their names.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        match self.scale {
            Scale::Linear => self.linear_ticks(),
            Scale::Log => self.log_ticks(),
            Scale::Rarity => self.rarity_ticks(),
        }
    }

    fn linear_ticks(&self) -> Vec<(f64, String)> {
        let rough = (self.to - self.from) / (TICKS_MAX as f64 - 2.0);
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|digit| digit * power).find(|step| *step >= rough);
        let step = step.unwrap_or(rough);
        let first = (self.from / step).ceil() as i64;
        let all = (first..).map(|at| at as f64 * step).take_while(|value| *value <= self.to * (1.0 + 1e-9));
        all.take(2 * TICKS_MAX).map(|value| (value, plain(value))).collect()
    }

    fn log_ticks(&self) -> Vec<(f64, String)> {
        let digits: &[f64] = if self.to - self.from > 2.5 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let powers = self.from.floor() as i32..=self.to.ceil() as i32;
        let shown = (self.to.floor() - self.from.ceil()).max(0.0) as usize;
        let every = (shown / TICKS_MAX + 1) as i32;
        let powers = powers.filter(|power| power.rem_euclid(every) == 0);
        let values = powers.flat_map(|power| digits.iter().map(move |digit| digit * 10_f64.powi(power)));
        let within = values.filter(|value| (self.from..=self.to).contains(&value.log10()));
        within.map(|value| (value, plain(value))).collect()
    }

    fn rarity_ticks(&self) -> Vec<(f64, String)> {
        const NAMES: [(f64, &str); 8] = [
            (0.0, "0 %"),
            (0.5, "50 %"),
            (0.9, "90 %"),
            (0.99, "99 %"),
            (0.999, "99.9 %"),
            (0.9999, "99.99 %"),
            (0.99999, "99.999 %"),
            (0.999_999, "99.9999 %"),
        ];
        let within = NAMES.into_iter().filter(|(share, _)| lay(Scale::Rarity, *share) <= self.to + 1e-9);
        within.map(|(share, name)| (share, name.to_owned())).collect()
    }
}

/// Room at both ends of a logarithmic axis, in powers of ten.
const MARGIN: f64 = 0.05;

/// Below this an axis has no extent and gets one.
const NARROWEST: f64 = 1e-12;

fn lay(scale: Scale, value: f64) -> f64 {
    match scale {
        Scale::Linear => value,
        Scale::Log => value.log10(),
        Scale::Rarity => -(1.0 - value).log10(),
    }
}

/// A round value, without digits that say nothing.
fn plain(value: f64) -> String {
    let shown = number(value);
    if shown.contains('.') && !shown.contains('e') {
        return shown.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{Axis, Scale};

    fn names(scale: Scale, values: &[f64]) -> Vec<String> {
        Axis::around(scale, values.iter().copied()).ticks().into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn values_lie_between_the_ends() {
        let axis = Axis::around(Scale::Linear, [2.0, 10.0].into_iter());
        assert_eq!([0.0, 5.0, 10.0, 99.0, -1.0].map(|value| axis.place(value)), [0.0, 0.5, 1.0, 1.0, 0.0]);
        let axis = Axis::around(Scale::Log, [0.01, 1.0].into_iter());
        assert!((axis.place(0.1) - 0.5).abs() < 1e-9);
        assert_eq!([axis.place(0.0), axis.place(f64::NAN)], [0.0, 0.0]);
    }

    #[test]
    fn ticks_are_few_and_round() {
        assert_eq!(names(Scale::Linear, &[0.0, 10.0]), ["0", "2", "4", "6", "8", "10"]);
        assert_eq!(names(Scale::Log, &[0.1, 2.0]), ["0.1", "0.2", "0.5", "1", "2"]);
        assert_eq!(names(Scale::Log, &[0.001, 1000.0]).len(), 7);
        assert_eq!(names(Scale::Rarity, &[0.9991]), ["0 %", "50 %", "90 %", "99 %", "99.9 %"]);
        for values in [&[][..], &[f64::NAN], &[0.0], &[7.0], &[1e-300, 1e300], &[-5.0, 5.0]] {
            for scale in [Scale::Linear, Scale::Log, Scale::Rarity] {
                assert!(names(scale, values).len() < 40, "{scale:?} {values:?}");
            }
        }
    }
}
