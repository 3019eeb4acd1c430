//! What bad clients send: each rule, its close code, and how early it is noticed.

use super::{MAX_MESSAGE, frame, hear, hear_whole, text};
use crate::transport::ws::{Binary, Decoder, FREE_FRAGMENTS, Violation};

#[test]
fn every_violation_has_its_code() {
    let long = vec![b'x'; MAX_MESSAGE + 1];
    let table: [(&[Vec<u8>], Violation, u16); 21] = [
        (&[b"\x81\x05Hello".to_vec()], Violation::Unmasked, 1002),
        (&[frame(0xc1, b"")], Violation::ReservedBits, 1002),
        (&[frame(0x83, b"")], Violation::ReservedOpcode, 1002),
        (&[frame(0x8b, b"")], Violation::ReservedOpcode, 1002),
        (&[frame(0x09, b"")], Violation::FragmentedControl, 1002),
        (&[frame(0x89, &[0; 126])], Violation::LongControl, 1002),
        (&[b"\x89\xff\0\0\0\0\0\0\0\x01".to_vec()], Violation::LongControl, 1002),
        (&[b"\x81\xfe\0\x05".to_vec()], Violation::PaddedLength, 1002),
        (&[b"\x81\xff\x80\0\0\0\0\0\0\0".to_vec()], Violation::LengthOverflow, 1002),
        (&[frame(0x80, b"x")], Violation::LoneContinuation, 1002),
        (&[frame(0x01, b"x"), frame(0x80, b"y"), frame(0x00, b"")], Violation::LoneContinuation, 1002),
        (&[frame(0x01, b"x"), frame(0x81, b"y")], Violation::InterleavedMessage, 1002),
        (&[frame(0x01, b"x"), frame(0x82, b"y")], Violation::InterleavedMessage, 1002),
        (&[frame(0x88, b"\x03")], Violation::BadClose, 1002),
        (&[frame(0x88, b"\x03\xed")], Violation::BadClose, 1002),
        (&[frame(0x88, b"\x03\xe8\xff")], Violation::NotUtf8, 1007),
        (&[frame(0x82, b"")], Violation::Binary, 1003),
        (&[frame(0x81, b"\xff")], Violation::NotUtf8, 1007),
        (&[frame(0x81, b"a\xc3")], Violation::NotUtf8, 1007),
        (&[frame(0x01, b"a\xc3"), frame(0x80, b"")], Violation::NotUtf8, 1007),
        (&[frame(0x81, &long)], Violation::TooBig, 1009),
    ];
    for (frames, violation, code) in table {
        let bytes = [frame(0x81, b"first"), frames.concat(), frame(0x81, b"after")].concat();
        let mut decoder = Decoder::new(MAX_MESSAGE, Binary::Refuse);
        let (events, found) = hear(&mut decoder, &bytes, &[usize::MAX]);
        assert_eq!(found, Some(violation), "{frames:x?}");
        assert!(!events.contains(&text("after")) && events.contains(&text("first")), "{frames:x?}");
        assert_eq!(violation.close_code(), code);
        assert!(violation.to_string().len() <= 123, "fits a close frame");
        assert_eq!(decoder.allocated(), 0);
        let later = hear(&mut decoder, &frame(0x81, b"later"), &[usize::MAX]);
        assert_eq!(later, (vec![], None), "nothing is heard after a violation");
    }
}

#[test]
fn a_message_too_big_is_refused_before_its_payload_comes() {
    let headers: [&[u8]; 3] = [
        b"\x81\xfe\x03\xe9mask",
        b"\x01\xff\0\0\0\0\0\x01\0\0mask",
        b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xffmask",
    ];
    for header in headers {
        let mut decoder = Decoder::new(MAX_MESSAGE, Binary::Refuse);
        assert_eq!(hear(&mut decoder, header, &[3]), (vec![], Some(Violation::TooBig)), "{header:x?}");
    }
    // 600 collected and 401 announced.
    let bytes = [&frame(0x01, &[b'x'; 600])[..], b"\x00\xfe\x01\x91mask"].concat();
    assert_eq!(hear_whole(MAX_MESSAGE, Binary::Refuse, &bytes), (vec![], Some(Violation::TooBig)));
}

#[test]
fn bad_text_is_noticed_in_an_unfinished_frame() {
    let mut bytes = frame(0x81, &[b"a\xe2\x82\xffrest".as_slice(), &[b'x'; 900]].concat());
    bytes.truncate(8 + 4);
    let heard = hear(&mut Decoder::new(MAX_MESSAGE, Binary::Refuse), &bytes, &[1]);
    assert_eq!(heard, (vec![], Some(Violation::NotUtf8)));
    bytes.pop();
    let heard = hear(&mut Decoder::new(MAX_MESSAGE, Binary::Refuse), &bytes, &[1]);
    assert_eq!(heard, (vec![], None), "the byte before was fine");
}

#[test]
fn a_flood_of_small_fragments_is_cut() {
    for (payload, most) in [(&b""[..], FREE_FRAGMENTS), (b"x", FREE_FRAGMENTS * 16 / 15 + 1)] {
        let mut decoder = Decoder::new(1 << 20, Binary::Refuse);
        assert_eq!(hear(&mut decoder, &frame(0x01, b""), &[9]), (vec![], None));
        let continuation = frame(0x00, payload);
        let found = (1..=most + 1).find_map(|i| hear(&mut decoder, &continuation, &[9]).1.map(|v| (i, v)));
        let (at, violation) = found.expect("the flood is cut");
        assert_eq!(violation, Violation::TooManyFragments);
        assert!(at > FREE_FRAGMENTS, "{at}");
    }
    assert_eq!(Violation::TooManyFragments.close_code(), 1008);
}
