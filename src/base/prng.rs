//! A small deterministic random number generator (SplitMix64, Steele, Lea and Flood 2014): for ids that
//! only need to differ, for jitter, and for tests that replay. Not for tokens.

/// The generator. Equal seeds give equal sequences.
#[derive(Clone, Debug)]
pub struct Prng(u64);

impl Prng {
    /// Starts the sequence of `seed`.
    pub fn from_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The next 32 bits.
    pub fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }

    /// A number below `bound`; 0 when the bound is 0. The bias of the multiplication is below 2^-32 for the
    /// small bounds this is used with.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::Prng;

    #[test]
    fn gives_the_published_sequence() {
        let mut prng = Prng::from_seed(1234567);
        assert_eq!(prng.next_u64(), 6457827717110365317);
        assert_eq!(prng.next_u64(), 3203168211198807973);
    }

    #[test]
    fn stays_below_its_bound() {
        let mut prng = Prng::from_seed(1);
        assert!((0..1000).all(|_| prng.below(7) < 7));
        assert_eq!(prng.below(0), 0);
    }
}
