//! Removing a client's mask (RFC 6455, 5.3).

/// Unmasks `data` in place, eight bytes at a time. Returns the mask turned to where the next byte of the same
/// frame begins.
pub(super) fn unmask(data: &mut [u8], mut mask: [u8; 4]) -> [u8; 4] {
    let [a, b, c, d] = mask;
    let word_mask = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, tail) = data.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ word_mask).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
    mask.rotate_left(data.len() % 4);
    mask
}

#[cfg(test)]
mod tests {
    use super::unmask;

    #[test]
    fn equals_the_definition_however_it_is_cut() {
        let mask = [0x37, 0xfa, 0x21, 0x3d];
        let plain: Vec<u8> = (0..40).collect();
        let masked: Vec<u8> = plain.iter().enumerate().map(|(i, byte)| byte ^ mask[i % 4]).collect();
        for first in 0..plain.len() {
            for second in first..plain.len() {
                let mut data = masked.clone();
                let turned = unmask(&mut data[..first], mask);
                let turned = unmask(&mut data[first..second], turned);
                unmask(&mut data[second..], turned);
                assert_eq!(data, plain, "cut at {first} and {second}");
            }
        }
    }
}
