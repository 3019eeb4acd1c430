//! A line of a host. Whatever it is, it is told apart, and what is cut out of it later can be cut out.

use std::ops::Range;

use tui_gateway::wire::upstream::{Said, read};

pub(crate) fn run(bytes: &[u8]) {
    let line = String::from_utf8_lossy(bytes).into_owned();
    let whole = |range: &Range<usize>| assert!(line.get(range.clone()).is_some(), "{range:?}");
    match read(line.clone()) {
        Said::Reply(reply) => {
            [&reply.id].into_iter().chain(&reply.inflight).for_each(whole);
            reply.session.iter().for_each(|(_, range)| whole(range));
            assert!(line.is_char_boundary(reply.result_end));
        }
        Said::Event(event) => {
            event.payload.iter().for_each(whole);
            event.session.iter().for_each(|(_, range)| whole(range));
            assert!(line.is_char_boundary(event.params_end));
        }
        Said::Delta(delta) => assert!(delta.text.as_str().len() <= line.len()),
        Said::Noise => {}
    }
}
