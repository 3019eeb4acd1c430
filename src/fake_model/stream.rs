//! The body of a streamed answer: what is due is spoken, written in its dialect, and cut into HTTP chunks, no
//! further ahead than the socket has room. Sans I/O; time comes in.

use std::time::{Duration, Instant};

use super::dialect::{Finish, Voice};
use super::limits::AHEAD_MAX;
use super::speech::{Counts, End, Next, Speech};

/// What a look at the stream brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Filled {
    /// There is more, as soon as this is gone.
    More,
    /// Nothing more before this time.
    Until(Instant),
    /// Nothing more for ever, and no end either.
    Silent,
    /// That was all.
    Ended(Ended),
}

/// How it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ended {
    /// As it should.
    Whole,
    /// With an error, or without a reason to stop.
    Failed,
    /// The connection is to be closed.
    Cut,
    /// The connection is to be reset.
    Reset,
}

/// The stream.
#[derive(Debug)]
pub(super) struct Stream {
    speech: Speech,
    voice: Box<dyn Voice>,
    /// When the request came.
    start: Instant,
    /// How long nothing is sent at all.
    delay: Duration,
    /// The head of the response, until it is sent.
    head: Option<Vec<u8>>,
    /// Whether the body goes in chunks; else it ends with the connection.
    chunks: bool,
    /// Whether nothing follows the head.
    hang: bool,
}

impl Stream {
    /// The answer to a request that came at `start`. `head` is what is sent in front of it, after `delay`.
    pub(super) fn new(
        speech: Speech,
        voice: Box<dyn Voice>,
        start: Instant,
        delay: Duration,
        head: Head,
    ) -> Self {
        let Head { bytes, chunks, hang } = head;
        Self { speech, voice, start, delay, head: Some(bytes), chunks, hang }
    }

    /// What was said so far.
    pub(super) fn counts(&self) -> Counts {
        self.speech.counts()
    }

    /// Appends what is due at `now` to `out`. `scratch` is room for one chunk.
    pub(super) fn fill(&mut self, now: Instant, out: &mut Vec<u8>, scratch: &mut Vec<u8>) -> Filled {
        let elapsed = now.saturating_duration_since(self.start);
        if elapsed < self.delay {
            return Filled::Until(self.start + self.delay);
        }
        scratch.clear();
        if let Some(head) = self.head.take() {
            out.extend_from_slice(&head);
            if !self.hang {
                self.voice.begin(scratch);
            }
        }
        if self.hang {
            return Filled::Silent;
        }
        let filled = self.speak(elapsed, scratch);
        self.append_chunk(out, scratch);
        if self.chunks && matches!(filled, Filled::Ended(Ended::Whole | Ended::Failed)) {
            out.extend_from_slice(b"0\r\n\r\n");
        }
        filled
    }

    fn speak(&mut self, elapsed: Duration, out: &mut Vec<u8>) -> Filled {
        while out.len() < AHEAD_MAX {
            match self.speech.next(elapsed) {
                Next::Piece(piece) => self.voice.piece(&piece, out),
                Next::At(due) => return Filled::Until(self.start + due),
                Next::End(end) => return Filled::Ended(self.end(end, out)),
            }
        }
        Filled::More
    }

    fn end(&mut self, end: End, out: &mut Vec<u8>) -> Ended {
        let counts = self.speech.counts();
        let finish = match end {
            End::Stop => Finish::Stop,
            End::Tools => Finish::Tools,
            End::Length => Finish::Length,
            End::Unfinished => return Ended::Failed,
            End::Failed(message) => {
                self.voice.fail(&message, out);
                return Ended::Failed;
            }
            End::Cut => return Ended::Cut,
            End::Reset => return Ended::Reset,
        };
        self.voice.finish(finish, counts, out);
        Ended::Whole
    }

    fn append_chunk(&self, out: &mut Vec<u8>, chunk: &[u8]) {
        if chunk.is_empty() {
            // A chunk of no length would end the body.
            return;
        }
        if self.chunks {
            out.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        }
        out.extend_from_slice(chunk);
        if self.chunks {
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// What is sent in front of a body.
#[derive(Clone, Debug)]
pub(super) struct Head {
    /// The head itself.
    pub(super) bytes: Vec<u8>,
    /// Whether it announces chunks.
    pub(super) chunks: bool,
    /// Whether nothing follows it.
    pub(super) hang: bool,
}

#[cfg(test)]
mod tests {
    use super::super::ask::{Ask, Dialect};
    use super::super::dialect::{Identity, voice};
    use super::super::plan::{self, Defaults};
    use super::super::speech::Pace;
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A stream for a prompt, in chunks or not.
    fn stream(prompt: &str, start: Instant, chunks: bool) -> Stream {
        let body = serde_json::json!({ "messages": [{ "role": "user", "content": prompt }], "stream": true });
        let ask = Ask::read(Dialect::OpenAi, body.to_string().as_bytes()).unwrap();
        let script = Defaults::default().script_for(&ask);
        let pace = Pace { delay: script.delay, rate: script.rate, size: script.size };
        let speech = Speech::new(plan::parts(&script, &ask), pace, script.faults);
        let model = ask.model.clone();
        let identity = Identity {
            serial: 1,
            created: 1,
            model,
            include_usage: false,
            prompt_tokens: 1,
            told_tokens: None,
        };
        let head = Head { bytes: b"HEAD".to_vec(), chunks, hang: script.faults.hang };
        Stream::new(speech, voice(&ask, identity), start, script.delay, head)
    }

    fn fill(stream: &mut Stream, now: Instant) -> (String, Filled) {
        let mut out = Vec::new();
        let filled = stream.fill(now, &mut out, &mut Vec::new());
        (String::from_utf8(out).unwrap(), filled)
    }

    #[test]
    fn nothing_leaves_before_the_delay_and_the_rest_when_it_is_due() {
        let start = Instant::now();
        let mut stream = stream("DELAY=10 RATE=100 TOKENS=3", start, true);
        assert_eq!(fill(&mut stream, start), (String::new(), Filled::Until(start + 10 * MS)));
        let (first, filled) = fill(&mut stream, start + 10 * MS);
        assert!(
            first.starts_with("HEAD") && first.contains("\"role\":\"assistant\"") && first.contains("0000 ")
        );
        assert_eq!(filled, Filled::Until(start + 20 * MS));
        let (rest, filled) = fill(&mut stream, start + 30 * MS);
        assert!(
            rest.contains("0001 ") && rest.contains("0002 ") && rest.ends_with("[DONE]\n\n\r\n0\r\n\r\n"),
            "{rest}"
        );
        assert_eq!(rest.matches("\r\n").count(), 4, "two tokens and the end are one chunk");
        assert_eq!(filled, Filled::Ended(Ended::Whole));
    }

    #[test]
    fn a_sleep_is_silence_behind_the_head() {
        let start = Instant::now();
        let mut stream = stream("SLEEP=10 TOKENS=1", start, true);
        let (first, filled) = fill(&mut stream, start);
        assert!(first.starts_with("HEAD") && first.contains("assistant") && !first.contains("0000 "));
        assert_eq!(filled, Filled::Until(start + 10 * MS));
    }

    #[test]
    fn no_more_is_made_than_there_is_room_for() {
        for script in ["TOKENS=1000000", "HUGE=100000000"] {
            let start = Instant::now();
            let mut stream = stream(script, start, true);
            for _ in 0..3 {
                let (text, filled) = fill(&mut stream, start);
                assert_eq!(filled, Filled::More);
                assert!((AHEAD_MAX..AHEAD_MAX + (20 << 10)).contains(&text.len()), "{}", text.len());
            }
        }
    }

    #[test]
    fn every_end_ends_as_it_was_asked_to() {
        for (script, ended, tail) in [
            ("CUT=1 TOKENS=2", Ended::Cut, "\"finish_reason\":null}]}\n\n\r\n"),
            ("RESET=1 TOKENS=2", Ended::Reset, "\"finish_reason\":null}]}\n\n\r\n"),
            ("NOFINISH TOKENS=2", Ended::Failed, "\"finish_reason\":null}]}\n\n\r\n0\r\n\r\n"),
            ("TOKENS=2 FAIL=no", Ended::Failed, "\"code\":null}}\n\n\r\n0\r\n\r\n"),
        ] {
            let start = Instant::now();
            let (text, filled) = fill(&mut stream(script, start, true), start);
            assert_eq!(filled, Filled::Ended(ended), "{script}");
            assert!(text.ends_with(tail), "{script}: {text}");
        }
        let start = Instant::now();
        assert_eq!(fill(&mut stream("HANG TOKENS=1", start, true), start), ("HEAD".into(), Filled::Silent));
    }

    #[test]
    fn without_chunks_the_body_ends_with_the_connection() {
        let start = Instant::now();
        let (text, _) = fill(&mut stream("TOKENS=1", start, false), start);
        assert!(
            text.starts_with("HEADdata: {") && text.ends_with("data: [DONE]\n\n") && !text.contains('\r')
        );
    }
}
