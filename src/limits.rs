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

/// Lines that wait for a host to read them, and their bytes. Beyond it a request is answered with an overload
/// error.
pub const HOST_LINES_MAX: usize = 1_024;
/// The same in bytes; one document always has room.
pub const HOST_LINES_BYTES_MAX: usize = 32 << 20;

/// Items a host may be ahead of the loop, beside the text that grows; then it waits.
pub const HOST_MAIL_MAX: usize = 256;
/// The same in bytes of documents; one document always has room.
pub const HOST_MAIL_BYTES_MAX: usize = 32 << 20;

/// Largest document of a host, in bytes: a long conversation with its tools. A longer line is noise.
pub const HOST_DOCUMENT_BYTES_MAX: usize = 64 << 20;

/// Last lines of a host's standard error that are told when it ends, and the bytes of one of them.
pub const HOST_LAST_LINES_MAX: usize = 20;
/// The same in bytes of a line.
pub const HOST_LINE_BYTES_MAX: usize = 2_048;

/// Newest bytes that are kept of the errors of a program we started, and the last lines of them that are told.
pub const CHILD_LAST_WORDS_BYTES_MAX: usize = 8 << 10;
/// The same in lines.
pub const CHILD_LAST_WORDS_LINES_MAX: usize = 3;

/// How long the system may take to end a program that was killed. Only one inside a broken driver takes longer;
/// it is left alone then.
pub const CHILD_DEATH_GRACE: Duration = Duration::from_secs(1);

/// How long another program may hold the lock of a file that it shares with us. It needs it for a write, so
/// longer means it hangs.
pub const SHARED_FILE_LOCK_PATIENCE: Duration = Duration::from_secs(10);

/// Names that are tried for the draft of a file that is replaced. Other programs may have taken some: by accident
/// one or two, and who takes more means harm.
pub const DRAFT_NAMES_MAX: u64 = 64;

/// Largest message of JSON-RPC from a tool server or another program's agent, in bytes; the bound of inbound
/// documents.
pub const RPC_MESSAGE_BYTES_MAX: usize = DOCUMENT_BYTES_MAX;

/// Bytes at the end of a host's crash log that are looked at when it ends: the stacks of some threads.
pub const HOST_CRASH_BYTES_MAX: usize = 16 << 10;
/// The lines of them that are told: the last say what was raised.
pub const HOST_CRASH_LINES_MAX: usize = 100;

/// Requests that wait for a host, or for one of its sessions, while a new process is started for it.
pub const HOST_HELD_MAX: usize = 1_024;

/// Requests that hosts have taken and not answered, over all hosts. Beyond it who asks is told to come later.
pub const HOST_REQUESTS_MAX: usize = 16_384;

/// Images that wait in one session of a host for its next prompt and outlive that host: those of several PDFs.
/// The original has no bound; what goes over it is told.
pub const HOST_IMAGES_MAX: usize = 128;
/// The same in bytes of their paths.
pub const HOST_IMAGES_BYTES_MAX: usize = 32 << 10;

/// Events kept of a host's sessions whose opening it has not answered yet: a few each.
pub const HOST_EARLY_MAX: usize = 256;

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

/// `@` references of one prompt that are expanded; more are a warning. The original has no bound.
pub const REFERENCES_MAX: usize = 64;

/// Percent of the model's window: the model is warned of what references bring along beyond (the original's).
pub const REFERENCES_SOFT_PERCENT: u64 = 25;

/// Percent of the model's window: beyond it the prompt is refused (the original's).
pub const REFERENCES_HARD_PERCENT: u64 = 50;

/// Tokens of a window that nobody knows, as far as references are concerned (the original's).
pub const REFERENCES_WINDOW: u64 = 256_000;

/// Names in the listing of a folder (the original's).
pub const REFERENCE_ENTRIES_MAX: usize = 200;

/// Names below a folder that are looked at to choose those from.
pub const REFERENCE_WALK_MAX: usize = 10_000;

/// Folders within one another that are looked at, as a bound for what a mount or a bug makes endless.
pub const REFERENCE_DEPTH_MAX: usize = 100;

/// Bytes of a file whose lines are counted for such a listing. Of larger ones the size is told.
pub const REFERENCE_COUNTED_BYTES_MAX: u64 = 1 << 20;

/// Bytes that are looked at to tell whether a file is text.
pub const REFERENCE_HEAD_BYTES: usize = 8 << 10;

/// Commits of one reference (the original's).
pub const REFERENCE_COMMITS_MAX: i64 = 10;

/// How long git may take for one reference (the original's).
pub const REFERENCE_GIT_TIME: Duration = Duration::from_secs(30);

/// Bytes of git's answer to one reference: more than half of any window there is.
pub const REFERENCE_GIT_BYTES_MAX: usize = 16 << 20;

/// Filters of a repository that are switched off for such an answer; with more nothing is asked of git.
pub const REFERENCE_FILTERS_MAX: usize = 64;

/// Bytes of the names of all filters, the user's with them.
pub const REFERENCE_NAMES_BYTES_MAX: usize = 64 << 10;

/// How long all references of one prompt may take; those that are left are warnings. The original has no bound.
pub const REFERENCES_TIME: Duration = Duration::from_secs(90);

/// Characters of a reason why a reference could not be expanded.
pub const REFERENCE_REASON_CHARS: usize = 500;

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

/// Documents that may wait for the sidecar, as in the original. When it is full the newest is dropped.
pub const SIDECAR_FRAMES_MAX: usize = 256;

/// Bytes of them, with those that are encoded and not written yet. The original has no bound: the documents
/// alone could be gigabytes. One that is larger is dropped; what is shown beside a terminal is not.
pub const SIDECAR_BYTES_MAX: usize = 4 << 20;

/// Time the sidecar has to be connected and to answer the handshake, as in the original.
pub const SIDECAR_CONNECT_MAX: Duration = Duration::from_secs(2);

/// How long the sidecar may take nothing while something waits for it; then it is connected to anew. Nobody
/// looks at a panel that stood still so long.
pub const SIDECAR_STALL_MAX: Duration = Duration::from_secs(30);

/// Bytes of a file of trusted certificates: those of systems have a quarter of a megabyte.
pub const CERTIFICATES_BYTES_MAX: u64 = 4 << 20;

/// Channels that somebody listens to: more browser tabs than a person has. The original has no bound.
pub const CHANNELS_MAX: usize = 64;

/// Messages of a channel that may wait for one subscriber: minutes of a stream at 30 a second. Over it the
/// subscriber is closed with 1013.
pub const SUBSCRIBER_FRAMES_MAX: usize = 4_096;

/// Bytes of them, kept once for all subscribers. Over it, unless it is a single message, the same.
pub const SUBSCRIBER_BYTES_MAX: usize = 4 << 20;

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

/// Folders of skills beside the home's own that are looked into (`skills.external_dirs`; the original has no
/// bound).
pub const SKILL_FOLDERS_MAX: usize = 32;

/// Most that a million tokens of a model can cost, in millionths of a dollar: a dollar for one token. What an
/// endpoint says beyond that is no price.
pub const MODEL_COST_MAX: u64 = 1_000_000_000_000;

/// Above so much for a million tokens of input, in millionths of a dollar, a switch to a model is asked about
/// (the original's bound).
pub const MODEL_INPUT_COST_ASKED: u64 = 20_000_000;
/// The same for a million tokens of output.
pub const MODEL_OUTPUT_COST_ASKED: u64 = 100_000_000;

/// Bytes of a price as text; a longer one is none.
pub const MODEL_COST_TEXT_MAX: usize = 32;

/// How long a clarification or a secret may wait for its answer, as in the original.
pub const CLARIFY_TIMEOUT: Duration = Duration::from_secs(300);

/// How long a password may wait for its answer, as in the original.
pub const SUDO_TIMEOUT: Duration = Duration::from_secs(120);

/// Most modes, models, logins and commands that are kept of an agent that speaks ACP, of each.
pub const ACP_OFFERS_MAX: usize = 256;

/// Longest id of one of them, in bytes; one with a longer id is left out. Agents have words of some ten.
pub const ACP_OFFER_ID_BYTES_MAX: usize = 256;

/// Characters that are kept of what is said about one.
pub const ACP_OFFER_CHARS_MAX: usize = 200;

/// Sessions of an agent of which is kept what it says of them between turns. Beyond that the oldest go; the agent
/// says it again when something changes.
pub const ACP_ASIDES_MAX: usize = 64;

/// Most bytes of one such update, cut down to what is kept of it; four kinds are kept. Lists of commands take
/// some ten KiB.
pub const ACP_ASIDE_BYTES_MAX: usize = 256 << 10;

/// Most bytes of all such updates of an agent.
pub const ACP_ASIDES_BYTES_MAX: usize = 8 << 20;

/// How long a login of an agent may take: a person may have to find a browser.
pub const ACP_LOGIN_MAX: Duration = Duration::from_secs(300);

/// How long an agent may take to switch to another mode or model.
pub const ACP_SWITCH_MAX: Duration = Duration::from_secs(30);

/// Characters of a goal. It is sent as a prompt and shown in every status; longer ones are texts for a file.
pub const GOAL_CHARS_MAX: usize = 20_000;

/// Things that have to be so beside a goal. People add a few; each goes into every question to the judge.
pub const GOAL_CRITERIA_MAX: usize = 50;

/// Characters of one of them, and of the reason of a wait.
pub const GOAL_CRITERION_CHARS_MAX: usize = 2000;

/// Characters of an answer that the judge of a goal is shown (the original's).
pub const GOAL_ANSWER_CHARS_MAX: usize = 4000;

/// Characters of a goal, and of what belongs to it, that the judge is shown (the original's, about).
pub const GOAL_JUDGED_CHARS_MAX: usize = 2500;

/// Bytes of a judge's reply that are looked at: a verdict is one line.
pub const GOAL_REPLY_MAX: usize = 64 << 10;

/// Characters of a judge's reason that are shown and kept.
pub const GOAL_REASON_CHARS_MAX: usize = 500;

/// Tokens of a verdict, with what a model may think about it (the original's).
pub const GOAL_JUDGE_TOKENS: u64 = 4096;

/// Verdicts in a row that nobody can read before a goal rests (the original's).
pub const GOAL_UNREADABLE_MAX: u64 = 3;

/// How long a verdict may take, all tries together (the original's).
pub const GOAL_JUDGE_LIMIT: Duration = Duration::from_secs(30);

/// How often a goal that waits for a process looks whether that has ended. The registry tells nobody of the end of
/// a process whose end nobody asked to hear of.
pub const GOAL_WAIT_POLL: Duration = Duration::from_secs(5);

/// Seconds that a judge may have a goal wait: a week. A person can always say that it waits no longer.
pub const GOAL_WAIT_SECONDS_MAX: u64 = 7 * 24 * 3600;

/// How long a goal that waits for a time sleeps at least: one that is over is looked at soon, and not in a loop.
pub const GOAL_WAIT_SLEEP_MIN: Duration = Duration::from_secs(1);

/// How long a goal that waits for a time sleeps at most before it looks again: clocks are set.
pub const GOAL_WAIT_SLEEP_MAX: Duration = Duration::from_secs(3600);

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

    /// What a subscriber of a channel is held to.
    pub const SUBSCRIBER: Bounds =
        Bounds { control_bytes: SUBSCRIBER_BYTES_MAX, queued_items: SUBSCRIBER_FRAMES_MAX, ..Bounds::SERVER };
}
