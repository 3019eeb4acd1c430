//! What good clients send, and what it costs.

use std::borrow::Cow;

use super::{MAX_MESSAGE, frame, hear, hear_whole, text};
use crate::transport::ws::{Binary, Decoder, Event, FREE_FRAGMENTS};

#[test]
fn examples_of_the_rfc() {
    let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(hear_whole(MAX_MESSAGE, Binary::Refuse, &hello), (vec![text("Hello")], None));
    assert_eq!(frame(0x81, b"Hello"), hello, "the helper of these tests masks like the RFC");
    let fragmented = [frame(0x01, b"Hel"), frame(0x80, b"lo")].concat();
    assert_eq!(hear_whole(MAX_MESSAGE, Binary::Refuse, &fragmented), (vec![text("Hello")], None));
    let ping = frame(0x89, b"Hello");
    let expected = vec![Event::Ping(b"Hello".into())];
    assert_eq!(hear_whole(MAX_MESSAGE, Binary::Refuse, &ping), (expected, None));
    let binary = vec![7; 0x10000];
    let heard = hear_whole(0x10000, Binary::Deliver, &frame(0x82, &binary));
    assert_eq!(heard, (vec![Event::Binary(binary.into())], None));
}

#[test]
fn control_frames_may_stand_between_fragments() {
    let bytes = [
        frame(0x01, b"a\xe2\x82"),
        frame(0x89, b"p"),
        frame(0x00, b""),
        frame(0x8a, b""),
        frame(0x80, b"\xacz"),
        frame(0x81, b""),
        frame(0x88, b"\x03\xe8bye"),
    ];
    let expected = vec![
        Event::Ping(b"p".into()),
        Event::Pong(b"".into()),
        text("a\u{20ac}z"),
        text(""),
        Event::Close { code: Some(1000), reason: "bye".into() },
    ];
    assert_eq!(hear_whole(MAX_MESSAGE, Binary::Refuse, &bytes.concat()), (expected, None));
}

#[test]
fn nothing_is_heard_after_a_close() {
    let bytes = [frame(0x88, b""), frame(0x81, b"late"), b"\xff\xff\xff".to_vec()].concat();
    let mut decoder = Decoder::new(MAX_MESSAGE, Binary::Refuse);
    let close = Event::Close { code: None, reason: "".into() };
    assert_eq!(hear(&mut decoder, &bytes, &[usize::MAX]), (vec![close], None));
    assert_eq!(hear(&mut decoder, &frame(0x81, b"later"), &[1]), (vec![], None));
}

#[test]
fn a_frame_that_is_here_whole_is_lent_not_copied() {
    let mut decoder = Decoder::new(MAX_MESSAGE, Binary::Refuse);
    let mut bytes = [frame(0x81, b"one"), frame(0x81, b"two"), frame(0x89, b"p")].concat();
    let mut input = &mut bytes[..];
    assert!(matches!(decoder.decode(&mut input), Ok(Some(Event::Text(Cow::Borrowed("one"))))));
    assert!(matches!(decoder.decode(&mut input), Ok(Some(Event::Text(Cow::Borrowed("two"))))));
    assert!(matches!(decoder.decode(&mut input), Ok(Some(Event::Ping(Cow::Borrowed(b"p"))))));
    assert_eq!(decoder.decode(&mut input), Ok(None));

    let mut bytes = frame(0x81, b"header first");
    let (mut header, mut payload) = bytes.split_at_mut(6);
    assert_eq!(decoder.decode(&mut header), Ok(None));
    assert!(matches!(decoder.decode(&mut payload), Ok(Some(Event::Text(Cow::Borrowed("header first"))))));
    assert_eq!(decoder.allocated(), 0);
}

#[test]
fn an_idle_connection_holds_nothing() {
    let mut decoder = Decoder::new(1 << 20, Binary::Refuse);
    let long = "x".repeat(500_000);
    let bytes = [frame(0x81, long.as_bytes()), frame(0x89, &[b'p'; 125])].concat();
    let expected = vec![text(&long), Event::Ping(vec![b'p'; 125].into())];
    assert_eq!(hear(&mut decoder, &bytes, &[4000]), (expected, None));
    assert_eq!(decoder.allocated(), 0);
    assert!(size_of::<Decoder>() <= 192, "{}", size_of::<Decoder>());
}

#[test]
fn a_message_of_exactly_the_bound_is_taken() {
    let long = "\u{e9}".repeat(MAX_MESSAGE / 2);
    let expected = (vec![text(&long)], None);
    assert_eq!(hear_whole(MAX_MESSAGE, Binary::Refuse, &frame(0x81, long.as_bytes())), expected);
    let (start, end) = long.as_bytes().split_at(501);
    let bytes = [frame(0x01, start), frame(0x80, end)].concat();
    assert_eq!(hear_whole(MAX_MESSAGE, Binary::Refuse, &bytes), expected);
}

#[test]
fn many_fragments_are_fine_if_they_carry_something() {
    // As case 9.3.1 of the Autobahn suite: fragments of 64 bytes, far more than are free.
    let count = 8 * FREE_FRAGMENTS;
    let mut bytes = frame(0x01, b"");
    for _ in 0..count {
        bytes.extend(frame(0x00, &[b'x'; 64]));
    }
    bytes.extend(frame(0x80, b""));
    let expected = vec![text(&"x".repeat(64 * count))];
    assert_eq!(hear_whole(1 << 20, Binary::Refuse, &bytes), (expected, None));
}
