//! Records for tests, in memory.

use super::script::Script;
use crate::wirelog::entry::{Entry, Header, Over, Side, What};
use crate::wirelog::write::{append_entry, append_header};

/// A record of one conversation: a document each millisecond, from line 2 on; the client closes.
pub(super) fn script(lines: &[(Side, &str)]) -> Script {
    let mut bytes = Vec::new();
    let header = Header { started: String::new(), over: Over::WebSocket, gateway: String::new() };
    append_header(&mut bytes, &header);
    let mut at = 0;
    for (by, document) in lines {
        at += 1000;
        let what = What::Said { by: *by, changed: false, document: (*document).into() };
        assert!(append_entry(&mut bytes, &Entry { at, connection: 1, what }));
    }
    let what = What::Closed { by: Some(Side::Client), code: Some(1000), reason: "".into() };
    append_entry(&mut bytes, &Entry { at: at + 1000, connection: 1, what });
    Script::read(&bytes[..]).unwrap()
}
