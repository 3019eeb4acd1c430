//! As much of HTTP/1.1 as a WebSocket server needs: a bounded request head, its query, a response writer.
//! Knows no sockets, no paths and no access rules.

mod head;
mod query;
mod response;

pub use head::{Head, HeadError, MAX_HEAD, MAX_HEADERS, MAX_TARGET, parse_head};
pub use query::{MAX_PARAM, query_param};
pub use response::response;
