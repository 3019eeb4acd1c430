//! A record of what a client and a gateway said, with its times: writing it and playing it again. Knows the
//! envelope of a document (its method, its id) where a replay needs it, and nothing of what it means.
//!
//! # The format
//!
//! Text, one JSON value a line, so that `grep` and `jq` read it. The first line is the [`Header`]:
//!
//! ```text
//! {"wirelog":1,"started":"2026-07-01T10:15:00.123Z","over":"websocket","gateway":"ws://127.0.0.1:9119/api/ws"}
//! ```
//!
//! Every other line is an [`Entry`]: microseconds since the start, the connection (counted from 1; 0 is the
//! recorder itself), a word, and what the word needs.
//!
//! ```text
//! [12,1,"+"]                                     a connection is open
//! [40,1,"c",{"id":1,"method":"session.create"}]  the client said this document
//! [95,1,"s",{"id":1,"result":{}}]                the server (the gateway) said this one
//! [99,1,"c*",{"id":2,"params":{"value":"***"}}]  the same, but not as it was on the wire
//! [200,1,"-",{"by":"c","code":1000,"reason":""}] the connection is closed, and who began that
//! [201,0,"gap",{"entries":3,"bytes":512}]        the recorder could not keep up, and what is missing
//! [300,0,"end",{"documents":4}]                  the recorder ended in order
//! ```
//!
//! A document that is one line of JSON without blanks around it stands there as it is. Any other stands there
//! as a JSON string, and so does a document that is a JSON string itself. Either way its bytes are kept. The
//! exception has a star: secrets were masked in it, or bytes that are no UTF-8 replaced.
//!
//! Lines are only ever appended, each in one piece. A recorder that was killed leaves at most one torn line, the
//! last; [`Reader`] says so and is not troubled by it.
//!
//! Reader's path: `entry` → `write` and `read`; `mask`, `tap`, `scribe` → `proxy` and `pipes`, which record;
//! `replay`.

mod ending;
mod entry;
mod error;
mod hose;
mod mask;
mod pipes;
mod proxy;
mod read;
pub mod replay;
mod scan;
mod scribe;
mod tap;
mod write;

pub use entry::{DOCUMENT_MAX, Entry, Header, LINE_MAX, Over, Side, VERSION, What};
pub use error::RecordError;
#[doc(hidden)]
pub use mask::mask;
pub use pipes::{PipeOptions, record_pipes};
pub use proxy::{ProxyOptions, record_socket};
pub use read::{Fault, ReadError, Reader};
pub use scribe::Tally;
