//! Numbers that look random and are the same in every run.

/// A generator (splitmix64), by its seed.
#[derive(Clone, Copy, Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// Returns the next number, from 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Picks one of `0..count`.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "counts are small"
    )]
    pub fn pick(&mut self, count: usize) -> usize {
        ((self.roll() * count as f64) as usize).min(count.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picks_are_even_and_the_same_each_time() {
        let picks = |seed| {
            let mut dice = Dice(seed);
            (0..4000).map(|_| dice.pick(4)).collect::<Vec<_>>()
        };
        assert_eq!(picks(1), picks(1));
        for one in 0..4 {
            let count = picks(1).iter().filter(|pick| **pick == one).count();
            assert!((900..1100).contains(&count), "{one}: {count}");
        }
    }
}
