//! Every limit of the model server, in one place. What is above one is refused by name or cut, never kept.

use std::time::Duration;

use crate::agent::demo::script::STEPS_MAX;

pub(super) use crate::limits::{HEAD_DEADLINE, READ_BUDGET, SOCKET_SEND_BUFFER, WRITE_BUDGET};

/// Most connections at once; each streams one answer at a time. Beyond it new ones wait in the kernel's backlog.
pub(super) const CONNECTIONS_MAX: usize = 16_384;

/// Most bytes of a request body. A long conversation with images fits; so does the model server of the tests
/// before this one.
pub(super) const BODY_MAX: usize = 32 << 20;

/// Time a request body may take once its head is there.
pub(super) const BODY_DEADLINE: Duration = Duration::from_secs(30);

/// How long a connection may wait between two requests. Above what clients keep idle connections for.
pub(super) const IDLE_MAX: Duration = Duration::from_secs(300);

/// How long a client may take nothing at all while bytes wait for it. Long, because a gateway that holds its
/// model back for a slow reader is what this server is there to see.
pub(super) const STALL_MAX: Duration = Duration::from_secs(600);

/// How long a closing connection may take to say good-bye.
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// Bytes of an answer made ahead of the socket. What is beyond is made when the client has read these.
pub(super) const AHEAD_MAX: usize = 64 << 10;

/// Bytes of requests taken in while an answer is under way. More waits in the kernel.
pub(super) const PIPELINE_MAX: usize = 64 << 10;

/// Largest answer in one piece, in bytes of text: it is made at once, and every stream waits that long. A stream
/// has no such bound: it is made as it is read.
pub(super) const WHOLE_MAX: usize = 256 << 10;

/// The shortest time between two writes of a paced stream: what became due meanwhile leaves together. Shorter
/// than two tokens of a fast model are apart (100 a second), so at such rates every token is a write of its own,
/// and at any rate a stream costs no more than 200 wake-ups a second.
pub(super) const FRAME: Duration = Duration::from_millis(5);

/// The pause between two writes of a `DRIP=`.
pub(super) const DRIP_PAUSE: Duration = Duration::from_millis(3);

/// Most words of a script; what follows is plain text. That of the demo agent, so that both read the same.
pub(super) const WORDS_MAX: usize = STEPS_MAX;

/// Largest `HUGE=`, in bytes.
pub(super) const HUGE_MAX: u64 = 256 << 20;

/// Largest `DRIP=`, in bytes a write.
pub(super) const DRIP_MAX: u64 = 64 << 10;

/// Longest `RETRY_AFTER=`, in seconds: a day.
pub(super) const RETRY_AFTER_MAX: u64 = 86_400;

/// Most calls of one `TOOLS=`.
pub(super) const TOOLS_MAX: u64 = 64;

/// Verdicts of one script.
pub(super) const VERDICTS_MAX: usize = 64;

/// Most tool calls of one answer.
pub(super) const CALLS_MAX: usize = 256;

/// Longest name of a tool, in bytes: what real servers take.
pub(super) const NAME_MAX: usize = 128;

/// Longest `ID=`, in bytes.
pub(super) const ID_MAX: usize = 64;

/// Longest model name that is repeated, in bytes; another name stands in for a longer one.
pub(super) const MODEL_MAX: usize = 200;

/// Bytes of a tool call's arguments in one event.
pub(super) const ARGUMENTS_PIECE: usize = 8;

/// Requests that `/stats` remembers. The oldest go first.
pub(super) const RECORDS_MAX: usize = 10_000;

/// Bytes of tool results that an answer repeats.
pub(super) const RESULT_MAX: usize = 64 << 10;

const _: () = assert!(AHEAD_MAX <= WRITE_BUDGET, "one turn writes all that was made ahead");
const _: () = assert!(DRIP_MAX as usize <= AHEAD_MAX, "a drip is never more than a write");
