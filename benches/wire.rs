//! What a document costs to read and to write.

use divan::{Bencher, black_box};
use serde_json::json;
use tui_gateway::model::ids::SessionId;
use tui_gateway::transport::ws::{Binary, Decoder};
use tui_gateway::wire::delta::DeltaKind;
use tui_gateway::wire::jsonrpc::{self, Id};
use tui_gateway::wire::{encode, event};

fn main() {
    divan::main();
}

const REQUEST: &str = concat!(
    r#"{"jsonrpc":"2.0","id":"r17","method":"prompt.submit","params":{"session_id":"8ca6cb96","text":"#,
    r#""Please look at the failing test in the parser and tell me what is wrong with it. Keep it short."}}"#,
);

#[divan::bench]
fn parse_a_request() -> bool {
    jsonrpc::parse(black_box(REQUEST)).is_ok()
}

#[divan::bench]
fn encode_a_delta(bencher: Bencher<'_, '_>) {
    let session = SessionId::from_bits(0x8ca6_cb96);
    let mut out = Vec::with_capacity(1024);
    bencher.bench_local(|| {
        out.clear();
        encode::delta(&mut out, DeltaKind::Message, session, black_box(" token"));
        out.len()
    });
}

#[divan::bench]
fn encode_a_reply() -> usize {
    encode::result(&Id::null(), black_box(&json!({ "status": "streaming" }))).len()
}

#[divan::bench]
fn encode_an_event() -> usize {
    let event = event::Event::StatusUpdate { kind: "lifecycle", text: black_box("retrying in 2.5 s") };
    encode::event(Some(SessionId::from_bits(1)), &event).len()
}

/// A masked text frame of the request above, decoded.
#[divan::bench]
fn decode_a_frame(bencher: Bencher<'_, '_>) {
    let mask = [1, 2, 3, 4];
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend_from_slice(&(REQUEST.len() as u16).to_be_bytes());
    frame.extend_from_slice(&mask);
    frame.extend(REQUEST.bytes().zip(mask.into_iter().cycle()).map(|(byte, mask)| byte ^ mask));
    let mut decoder = Decoder::new(1 << 20, Binary::Refuse);
    bencher.with_inputs(|| frame.clone()).bench_local_refs(|bytes| {
        let mut input = bytes.as_mut_slice();
        decoder.decode(&mut input).is_ok()
    });
}
