//! How a buffer that collects hostile bytes may grow: doubling, so that appending stays linear, but never
//! beyond its bound, as `Vec`'s own doubling would.

/// First capacity of a growing buffer, in bytes; spares a chat-sized message the first few doublings.
const FIRST_CAPACITY: usize = 1024;

/// How many bytes to `reserve_exact` in a buffer of `len` bytes and `capacity` before appending `more`.
/// The capacity after that is at most `bound`, provided `len + more` is.
pub(super) fn to_reserve(len: usize, capacity: usize, more: usize, bound: usize) -> usize {
    let needed = len.saturating_add(more);
    if needed <= capacity {
        return 0;
    }
    let doubled = capacity.saturating_mul(2).max(FIRST_CAPACITY).min(bound);
    needed.max(doubled) - len
}

#[cfg(test)]
mod tests {
    use super::to_reserve;

    #[test]
    fn doubles_but_stays_below_the_bound() {
        assert_eq!(to_reserve(10, 20, 10, 100), 0, "it fits");
        assert_eq!(to_reserve(0, 0, 1, 1 << 20), 1024, "the first step");
        assert_eq!(to_reserve(0, 0, 1, 100), 100, "a bound below the first step");
        assert_eq!(to_reserve(2000, 2000, 1, 1 << 20), 2000, "doubled");
        assert_eq!(to_reserve(2000, 2000, 1, 2500), 500, "cut at the bound");
        assert_eq!(to_reserve(2000, 2000, 9000, 1 << 20), 9000, "one large piece");
    }
}
