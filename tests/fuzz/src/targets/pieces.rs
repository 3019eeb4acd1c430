//! Cutting a stream as a network might. Knows nothing of what is in it.

use tui_gateway::base::prng::Prng;

/// `bytes` in pieces, none of them empty. Seed 0 leaves them whole, 1 cuts them into single bytes, any other
/// cuts them at random, the larger seeds into larger pieces.
pub(super) fn pieces(bytes: &[u8], seed: u8) -> Vec<&[u8]> {
    let mut random = Prng::from_seed(seed.into());
    let mut rest = bytes;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let size = match seed {
            0 => rest.len(),
            1 => 1,
            _ => 1 + random.below(1 << (seed >> 5 << 1).max(2)) as usize,
        };
        let (piece, after) = rest.split_at(size.min(rest.len()));
        found.push(piece);
        rest = after;
    }
    found
}

/// The first byte and what follows it; zero and nothing when there is none.
pub(super) fn first(bytes: &[u8]) -> (u8, &[u8]) {
    bytes.split_first().map_or((0, bytes), |(first, rest)| (*first, rest))
}
