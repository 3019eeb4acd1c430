//! However the bytes are cut, the events are the same, and whatever they are, memory is bounded.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Heard, MAX_MESSAGE, frame, hear, hear_whole};
use crate::transport::ws::{Binary, Decoder};

/// The most a decoder may allocate: a message, and a control frame in a buffer that doubles.
const MOST: usize = MAX_MESSAGE + 2 * 125;

/// A frame of any kind, good or bad, whatever came before; some good text among them.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        8 => prop::sample::select(&[0x01_u8, 0x00, 0x80, 0x81, 0x82, 0x89, 0x8a]),
        1 => Just(0x88),
        1 => any::<u8>(),
    ];
    let payload = prop_oneof![
        4 => "\\PC{0,60}".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..200),
        1 => (0..400_usize).prop_map(|len| vec![b'x'; len]),
    ];
    (first, payload).prop_map(|(first, payload)| frame(first, &payload))
}

/// One text in fragments with pings between them.
fn good_message() -> impl Strategy<Value = Vec<u8>> {
    ("\\PC{0,100}", vec((1..60_usize, any::<bool>()), 0..5)).prop_map(|(text, cuts)| {
        let mut rest = text.as_bytes();
        let mut bytes = Vec::new();
        let mut opcode = 0x01;
        for (cut, ping) in cuts {
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            rest = after;
            bytes.extend(frame(opcode, piece));
            opcode = 0x00;
            if ping {
                bytes.extend(frame(0x89, piece));
            }
        }
        bytes.extend(frame(0x80 | opcode, rest));
        bytes
    })
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![3 => good_message(), 1 => any_frame()];
    vec(part, 0..8).prop_map(|parts| parts.concat())
}

fn hear_cut(bytes: &[u8], sizes: &[usize]) -> Heard {
    hear(&mut Decoder::new(MAX_MESSAGE, Binary::Deliver), bytes, sizes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn cuts_do_not_matter(bytes in stream(), sizes in vec(1..300_usize, 1..20)) {
        let whole = hear_whole(MAX_MESSAGE, Binary::Deliver, &bytes);
        prop_assert_eq!(&hear_cut(&bytes, &[1]), &whole);
        prop_assert_eq!(&hear_cut(&bytes, &sizes), &whole);
    }

    #[test]
    fn good_messages_are_heard_to_the_end(parts in vec(good_message(), 1..6), size in 1..300_usize) {
        let (events, violation) = hear_cut(&parts.concat(), &[size]);
        prop_assert_eq!(violation, None);
        prop_assert!(events.len() >= parts.len());
    }

    #[test]
    fn hostile_bytes_never_panic(
        bytes in vec(any::<u8>(), 0..2000),
        frames in vec(any_frame(), 0..4),
        size in 1..90_usize,
    ) {
        for bytes in [&bytes, &[frames.concat(), bytes.clone()].concat()] {
            let mut decoder = Decoder::new(MAX_MESSAGE, Binary::Deliver);
            for piece in bytes.chunks(size) {
                let (events, violation) = hear(&mut decoder, piece, &[usize::MAX]);
                prop_assert!(decoder.allocated() <= MOST, "{}", decoder.allocated());
                prop_assert!(events.len() <= piece.len());
                if violation.is_some() {
                    prop_assert_eq!(decoder.allocated(), 0);
                    break;
                }
            }
        }
    }

    #[test]
    fn a_growing_message_stays_within_the_bound(
        fragments in vec((0..400_usize, any::<bool>()), 1..9),
        size in 1..90_usize,
    ) {
        let mut decoder = Decoder::new(MAX_MESSAGE, Binary::Deliver);
        let opcode = |i| if i == 0 { 0x01 } else { 0x00 };
        let bytes: Vec<u8> = fragments
            .iter()
            .enumerate()
            .flat_map(|(i, &(len, ping))| {
                let ping = if ping { frame(0x89, &[b'p'; 125]) } else { Vec::new() };
                [frame(opcode(i), &vec![b'x'; len]), ping].concat()
            })
            .collect();
        for piece in bytes.chunks(size) {
            let (_, violation) = hear(&mut decoder, piece, &[usize::MAX]);
            prop_assert!(decoder.allocated() <= MOST, "{}", decoder.allocated());
            if violation.is_some() {
                break;
            }
        }
    }
}
