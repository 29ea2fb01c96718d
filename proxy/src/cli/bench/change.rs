//! Whether figures of two sets differ by more than their noise: a 95 % confidence interval of their ratio, by ranks; of their
//! difference, where some are zero, as the number of failed requests should be.
//!
//! The interval is that of Hodges and Lehmann, from the exact distribution of Mann and Whitney's U, of the logarithms: it supposes
//! that the second set is the first one times a factor, but nothing of how figures are distributed, which a few runs do not tell.

use serde::Serialize;

/// Fewer figures than these give no interval that says anything.
pub(super) const FEWEST: usize = 5;
/// More figures of one set are not looked at.
pub(super) const MOST: usize = 200;
/// What lies beyond each end of the interval.
const TAIL: f64 = 0.025;

/// What became of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Change {
    /// The medians of both sets.
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) interval: Interval,
}

/// Where what became of a figure lies with 95 % confidence: the lower end and the higher one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Interval {
    /// The ratio of the second set to the first.
    Ratio([f64; 2]),
    /// The second set less the first, where some figures are zero or below.
    Difference([f64; 2]),
}

impl Change {
    /// Compares two sets; `None` if one has fewer than [`FEWEST`] figures, or any that is no number.
    pub(super) fn between(from: &[f64], to: &[f64]) -> Option<Self> {
        let (from, to) = (from.get(..MOST).unwrap_or(from), to.get(..MOST).unwrap_or(to));
        let all = || from.iter().chain(to);
        if from.len().min(to.len()) < FEWEST || !all().all(|figure| figure.is_finite()) {
            return None;
        }
        let interval = if all().all(|figure| *figure > 0.0) {
            Interval::Ratio(ends(from, to, |before, after| (after / before).ln())?.map(f64::exp))
        } else {
            Interval::Difference(ends(from, to, |before, after| after - before)?)
        };
        Some(Self { from: median(from), to: median(to), interval })
    }

    /// Returns by how many percent the median changed; `None` if it was zero.
    pub(super) fn percent(&self) -> Option<f64> {
        (self.from.abs() > 0.0).then(|| ((self.to - self.from) / self.from).abs() * 100.0)
    }

    /// Says whether it grew by more than noise.
    pub(super) fn grew(&self) -> bool {
        match self.interval {
            Interval::Ratio([low, _]) => low > 1.0,
            Interval::Difference([low, _]) => low > 0.0,
        }
    }

    /// Says whether it shrank by more than noise.
    pub(super) fn shrank(&self) -> bool {
        match self.interval {
            Interval::Ratio([_, high]) => high < 1.0,
            Interval::Difference([_, high]) => high < 0.0,
        }
    }
}

/// Returns the ends of the interval of what a figure of the second set is to one of the first.
fn ends(from: &[f64], to: &[f64], compared: fn(f64, f64) -> f64) -> Option<[f64; 2]> {
    let mut all: Vec<f64> =
        to.iter().flat_map(|after| from.iter().map(move |before| compared(*before, *after))).collect();
    all.sort_by(f64::total_cmp);
    let rank = rank(from.len(), to.len());
    Some([*all.get(rank.checked_sub(1)?)?, *all.get(all.len().checked_sub(rank)?)?])
}

/// Returns the middle of some figures; between the two middle ones if their number is even.
pub(super) fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { at(half) } else { f64::midpoint(at(half.saturating_sub(1)), at(half)) }
}

/// Returns which of the sorted ratios, counted from 1 at either end, is the end of the interval: fewer pairs than that may point
/// the other way for the sets to differ.
fn rank(first: usize, second: usize) -> usize {
    let counts = arrangements(first, second);
    let all: f64 = counts.iter().sum();
    let mut sum = 0.0;
    let within = |count: &&f64| {
        sum += **count;
        sum / all <= TAIL
    };
    counts.iter().take_while(within).count()
}

/// Returns for each value of U how many arrangements of two sets have it: the coefficients of the Gaussian binomial.
fn arrangements(first: usize, second: usize) -> Vec<f64> {
    let greatest = first * second;
    let mut counts = vec![0.0; greatest + 1];
    if let Some(none) = counts.first_mut() {
        *none = 1.0;
    }
    for factor in 1..=first {
        // Times 1 - x^(second + factor), divided by 1 - x^factor.
        for at in (second + factor..=greatest).rev() {
            let before = counts.get(at - second - factor).copied().unwrap_or_default();
            if let Some(count) = counts.get_mut(at) {
                *count -= before;
            }
        }
        for at in factor..=greatest {
            let before = counts.get(at - factor).copied().unwrap_or_default();
            if let Some(count) = counts.get_mut(at) {
                *count += before;
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Figures around 1 with a spread of some percent, the same in every run.
    fn noise(seed: u64, count: usize, spread: f64) -> Vec<f64> {
        let mut state = seed;
        let mut roll = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            f64::from(u32::try_from(state >> 33).unwrap()) / f64::from(1_u32 << 31)
        };
        // The mean of four even ones is near enough to a bell.
        (0..count).map(|_| 1.0 + spread * ((roll() + roll() + roll() + roll()) / 4.0 - 0.5)).collect()
    }

    #[test]
    fn arrangements_are_those_of_the_tables() {
        assert_eq!(arrangements(2, 2), [1.0, 1.0, 2.0, 1.0, 1.0]);
        assert!((arrangements(5, 5).iter().sum::<f64>() - 252.0).abs() < 1e-9);
        // Critical values of U at 5 %, two-sided: 2 for 5 and 5, 23 for 10 and 10.
        assert_eq!((rank(5, 5), rank(10, 10)), (3, 24));
    }

    #[test]
    fn the_same_distribution_is_no_change_in_nineteen_of_twenty_cases() {
        for count in [5, 10] {
            let false_alarms = (0..400_u64)
                .filter(|case| {
                    let (from, to) = (noise(2 * case + 1, count, 0.2), noise(2 * case + 2, count, 0.2));
                    let change = Change::between(&from, &to).unwrap();
                    change.grew() || change.shrank()
                })
                .count();
            assert!(false_alarms <= 400 / 20 + 10, "{false_alarms} of 400 with {count} figures each");
        }
    }

    #[test]
    fn ten_percent_slower_is_seen_and_the_interval_holds_it() {
        let (mut seen, mut held) = (0, 0);
        for case in 0..200_u64 {
            let from = noise(2 * case + 1, 8, 0.1);
            let to: Vec<f64> = noise(2 * case + 2, 8, 0.1).iter().map(|figure| figure * 1.1).collect();
            let change = Change::between(&from, &to).unwrap();
            seen += u32::from(change.grew());
            let Interval::Ratio([low, high]) = change.interval else { panic!("{change:?}") };
            held += u32::from(low <= 1.1 && 1.1 <= high);
        }
        assert!(seen >= 195, "{seen} of 200");
        assert!(held >= 185, "{held} of 200");
    }

    #[test]
    fn what_cannot_be_judged_is_not() {
        assert_eq!(Change::between(&[1.0; 4], &[1.0; 5]), None);
        assert_eq!(Change::between(&[1.0, 1.0, 1.0, 1.0, f64::NAN], &[1.0; 5]), None);
        let same = Change::between(&[20.8; 5], &[20.8; 5]).unwrap();
        assert!(!same.grew() && !same.shrank() && same.percent() == Some(0.0));
    }

    #[test]
    fn what_was_zero_is_judged_by_the_difference() {
        let none = Change::between(&[0.0; 5], &[0.0; 5]).unwrap();
        assert!(!none.grew() && !none.shrank());
        let some = Change::between(&[0.0; 5], &[3.0, 1.0, 2.0, 5.0, 4.0]).unwrap();
        assert_eq!((some.interval, some.percent()), (Interval::Difference([1.0, 5.0]), None));
        assert!(some.grew());
        let one = Change::between(&[0.0; 5], &[0.0, 0.0, 0.0, 0.0, 9.0]).unwrap();
        assert!(!one.grew(), "one of five is no more than noise: {one:?}");
        let falling = Change::between(&[-2.0; 5], &[-1.0; 5]).unwrap();
        assert!(falling.grew() && falling.percent() == Some(50.0), "{falling:?}");
        let gone = Change::between(&[3.0, 1.0, 2.0, 5.0, 4.0], &[0.0; 5]).unwrap();
        assert!(gone.shrank() && gone.percent() == Some(100.0));
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_ones() {
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
    }
}
