//! Every limit of the server, in one place. Overflow is always a named outcome, never a surprise.

use std::time::Duration;

/// Largest inbound document in bytes, on both transports (the original's web server has the same bound).
pub const DOCUMENT_BYTES_MAX: usize = 16 << 20;

/// Most connections at once. Beyond it new ones wait in the kernel's backlog.
pub const CLIENTS_MAX: usize = 16_384;

/// Most live sessions. The original has no bound; 4090 answers what goes over it.
pub const SESSIONS_MAX: usize = 16_384;

/// Most turns at once: each is an OS thread.
pub const TURNS_MAX: usize = 1_024;

/// Most prompts that wait behind a running turn of one session.
pub const QUEUED_PROMPTS_MAX: usize = 64;

/// Largest text of one turn in bytes; an agent that says more is stopped.
pub const TURN_TEXT_MAX: usize = 64 << 20;

/// Characters of a dropped prompt that are repeated in its notice.
pub const NOTICE_CHARS_MAX: usize = 500;

/// Items an agent may be ahead of the loop, beside the text that grows: news, and text that has grown enough.
pub const AGENT_MAIL_MAX: usize = 64;

/// Pieces of an agent's text that become one item at most, where 64 bytes count as one more. The loop is told
/// of it at once, so that a flood is not held back by the clock; each time costs a system call on both sides.
pub const AGENT_TEXT_MAX: usize = 512;

/// Agent events handled in one turn of the loop, over all agents, counted the same way. Text has grown
/// together by then, so that everybody else waits some ten microseconds behind a flood.
pub const AGENT_BUDGET: usize = 2_048;

/// Connections accepted in one turn of the loop. At some 20 us each, everybody else waits less than a
/// millisecond behind a storm of them.
pub const ACCEPT_BUDGET: usize = 32;

/// Timers of connections handled in one turn of the loop: a close or a ping each, at most as long as an
/// accept.
pub const TIMER_BUDGET: usize = 32;

/// Bulletins from outside of turns that wait for the loop: output of background processes, notices,
/// subagents. Whoever has more waits, on a thread of its own.
pub const BULLETINS_MAX: usize = 1024;

/// News of the store that wait for the loop. The store tells one for many records.
pub const STORE_MAIL_MAX: usize = 64;

/// Notices that wait in one session for its turn to end. Each becomes a turn; whoever has more to say is a
/// process that prints too much, and the newest say what counts.
pub const NOTICES_MAX: usize = 64;

/// Errands under way: background prompts, titles, compressions. Each is an OS thread that waits for a model.
pub const ERRANDS_MAX: usize = 64;

/// Images that wait in one session for its next prompt: more than one PDF's pages. The original has no bound.
pub const IMAGES_MAX: usize = 32;

/// Slow requests that may wait for a worker; the next one is answered with an overload error.
pub const JOB_QUEUE_MAX: usize = 256;

/// Bytes read from one connection in one turn of the loop.
pub const READ_BUDGET: usize = 256 << 10;

/// Bytes written to one connection in one turn of the loop.
pub const WRITE_BUDGET: usize = 128 << 10;

/// Bytes encoded ahead of the socket. Small enough that a lagging reader costs little, large enough for
/// one system call to carry thousands of frames.
pub const WIRE_TARGET: usize = 64 << 10;

/// Bytes of text in one delta event. A joined backlog leaves in pieces of this size.
pub const DELTA_TEXT_MAX: usize = 16 << 10;

/// Bytes of control frames that may wait for one reader. Over it, unless it is a single frame, the
/// connection is closed with 1013.
pub const CONTROL_BYTES_MAX: usize = 16 << 20;

/// With merging switched off, deltas that may wait one by one; beyond it they are joined after all.
pub const UNMERGED_DELTAS_MAX: usize = 4_096;

/// Frames and pieces of text that may wait for one reader, whatever they weigh: streams that alternate cannot
/// be joined. Over it the connection is closed with 1013.
pub const QUEUED_ITEMS_MAX: usize = 65_536;

/// Bytes of pongs that may wait for one reader. Beyond it only the latest ping is answered, which is all that
/// RFC 6455 (5.5.3) asks for: a client that pings without reading costs this much and no more.
pub const PONG_BYTES_MAX: usize = 4 << 10;

/// How long a reader may take nothing at all while something waits for it, before 1013.
pub const WRITE_STALL_MAX: Duration = Duration::from_secs(120);

/// Kernel send buffer of a WebSocket. With the default, the kernel hides more than five minutes of a
/// dead reader (`docs/performance.md`).
pub const SOCKET_SEND_BUFFER: usize = 128 << 10;

/// Time a new connection has to send its request head.
pub const HEAD_DEADLINE: Duration = Duration::from_secs(5);

/// How long the gateway waits for an interrupted agent before it ends the turn itself. Interrupts take
/// effect within 100 ms.
pub const INTERRUPT_GRACE: Duration = Duration::from_millis(90);

/// How long after the reply to an answer its agent hears it: long enough for the terminal UI to work off the
/// reply first, too short for a person to notice (`gateway::ask`).
pub const ANSWER_SETTLE: Duration = Duration::from_millis(100);

/// How long a model is silent before its client is shown that it thinks. The terminal UI shows the phrase by
/// a timer of its own, and would keep it for good if the turn ended in the same breath.
pub const THINKING_DELAY: Duration = Duration::from_millis(100);

/// How long streamed text may wait until it is recorded: a crash loses this much of it, and what the disk
/// takes. At most one second is promised.
pub const CHECKPOINT_INTERVAL: Duration = Duration::from_millis(500);

/// Sessions that were closed and are still known by their id, so that a prompt to one can be told where its
/// conversation is.
pub const REAPED_MAX: usize = 1_024;

/// Events that one session keeps for a client that comes back.
pub const REPLAY_EVENTS_MAX: usize = 2_048;

/// Bytes of them, with what each costs beside its own. The end of a turn repeats its answer: of a longer one
/// only the stored conversation is left.
pub const REPLAY_BYTES_MAX: usize = 1 << 20;

/// Bytes of them in all sessions. Beyond it, those that have been quiet longest give theirs.
pub const REPLAY_PROCESS_BYTES_MAX: usize = 32 << 20;

/// Bytes of events in one answer to `session.events.since`; the rest is asked for again. A millisecond's
/// work.
pub const REPLAY_ANSWER_BYTES_MAX: usize = 256 << 10;

/// How long a session keeps them that has neither a client nor a turn. Clients of the original notice a dead
/// connection after 45 s and take 15 s to connect.
pub const REPLAY_PARKED_MAX: Duration = Duration::from_secs(60);

/// How long a clarification or a secret may wait for its answer, as in the original.
pub const CLARIFY_TIMEOUT: Duration = Duration::from_secs(300);

/// How long a password may wait for its answer, as in the original.
pub const SUDO_TIMEOUT: Duration = Duration::from_secs(120);

// A reader that lags is owed whole frames, so the parts must fit into the whole.
const _: () = assert!(DELTA_TEXT_MAX < WIRE_TARGET && WIRE_TARGET <= WRITE_BUDGET);
const _: () = assert!(UNMERGED_DELTAS_MAX < QUEUED_ITEMS_MAX);
const _: () = assert!(DELTA_TEXT_MAX < REPLAY_BYTES_MAX && REPLAY_BYTES_MAX < REPLAY_PROCESS_BYTES_MAX);

/// The limits that a simulation makes smaller, so that it meets them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// [`SESSIONS_MAX`].
    pub sessions: usize,
    /// [`TURNS_MAX`].
    pub turns: usize,
    /// [`QUEUED_PROMPTS_MAX`].
    pub queued_prompts: usize,
    /// [`TURN_TEXT_MAX`].
    pub turn_text: usize,
    /// [`CONTROL_BYTES_MAX`].
    pub control_bytes: usize,
    /// [`QUEUED_ITEMS_MAX`].
    pub queued_items: usize,
    /// [`UNMERGED_DELTAS_MAX`].
    pub unmerged_deltas: usize,
    /// [`DELTA_TEXT_MAX`].
    pub delta_text: usize,
    /// [`WIRE_TARGET`].
    pub wire_target: usize,
    /// [`WRITE_BUDGET`].
    pub write_budget: usize,
}

impl Bounds {
    /// What a server runs with.
    pub const SERVER: Bounds = Bounds {
        sessions: SESSIONS_MAX,
        turns: TURNS_MAX,
        queued_prompts: QUEUED_PROMPTS_MAX,
        turn_text: TURN_TEXT_MAX,
        control_bytes: CONTROL_BYTES_MAX,
        queued_items: QUEUED_ITEMS_MAX,
        unmerged_deltas: UNMERGED_DELTAS_MAX,
        delta_text: DELTA_TEXT_MAX,
        wire_target: WIRE_TARGET,
        write_budget: WRITE_BUDGET,
    };
}
