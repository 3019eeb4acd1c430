//! An answer as it is spoken: parts in, pieces out, each when it is due. Made as it is asked for, so that a long
//! answer to a slow reader costs nothing. Time is what has passed since the request; knows no clock and no
//! dialect.

use std::time::Duration;

use super::limits::ARGUMENTS_PIECE;
use super::script::Faults;
use crate::agent::demo::script::token;

/// Bytes of a `HUGE=` made at once.
const HUGE_PIECE: u64 = 16 << 10;

/// One part of an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Part {
    /// So many tokens of reasoning.
    Reason(u64),
    /// So many tokens of text.
    Tokens(u64),
    /// Nothing, for so long.
    Wait(Duration),
    /// Words.
    Say(String),
    /// One token of so many bytes.
    Huge(u64),
    /// A tool call.
    Call {
        /// The tool.
        name: String,
        /// Its arguments.
        arguments: String,
    },
    /// An error, which is the end.
    Fail(String),
}

/// What is said at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Piece {
    /// A token of reasoning.
    Reason(String),
    /// A token of text.
    Text(String),
    /// A token of text begins; [`Piece::HugeFill`] and [`Piece::HugeEnd`] follow.
    HugeStart,
    /// So many bytes of it.
    HugeFill(usize),
    /// It ends.
    HugeEnd,
    /// A tool call begins.
    Call {
        /// Its number in this answer.
        index: usize,
        /// The tool.
        name: String,
    },
    /// More of its arguments.
    Arguments {
        /// The number of the call.
        index: usize,
        /// The piece.
        text: String,
    },
    /// Something that cannot be read.
    Broken,
}

/// How an answer ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// Everything was said.
    Stop,
    /// Tools are to be called.
    Tools,
    /// The output limit was reached.
    Length,
    /// It just ends, without a reason.
    Unfinished,
    /// With an error.
    Failed(String),
    /// The connection is closed.
    Cut,
    /// The connection is reset.
    Reset,
}

/// What comes next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// This, now.
    Piece(Piece),
    /// Nothing before this time.
    At(Duration),
    /// Nothing any more.
    End(End),
}

/// Tokens said so far.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Counts {
    /// All pieces: text, reasoning and arguments.
    pub(super) tokens: u64,
    /// Pieces of reasoning among them.
    pub(super) reasoning: u64,
}

/// How fast it is spoken.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Pace {
    /// The wait before anything.
    pub(super) delay: Duration,
    /// Pieces a second; 0 is as fast as it goes.
    pub(super) rate: u64,
    /// Bytes of a token.
    pub(super) size: usize,
}

/// The answer under way.
#[derive(Debug)]
pub(super) struct Speech {
    parts: Vec<Part>,
    /// The part under way.
    at: usize,
    /// Tokens or bytes of it that were said.
    within: u64,
    /// Whether its beginning was said, where that is a piece of its own.
    begun: bool,
    pace: Pace,
    faults: Faults,
    counts: Counts,
    /// The number of the next token of text: words count too, as with the demo agent.
    text_index: u64,
    calls: usize,
    clock: Clock,
}

/// The schedule. It is absolute: a late piece does not make the next one late.
#[derive(Clone, Copy, Debug)]
struct Clock {
    rate: u64,
    /// Where counting began.
    base: Duration,
    /// Pieces since then.
    count: u64,
    /// When the last piece was due.
    last: Duration,
}

impl Clock {
    /// When the next piece is due.
    fn due(&self) -> Duration {
        let offset = (self.count * 1_000_000_000).checked_div(self.rate).unwrap_or(0);
        self.base + Duration::from_nanos(offset)
    }

    fn tick(&mut self) {
        self.last = self.due();
        self.count += 1;
    }

    fn wait(&mut self, wait: Duration) {
        (self.base, self.count) = (self.last + wait, 0);
        self.last = self.base;
    }
}

impl Speech {
    pub(super) fn new(parts: Vec<Part>, pace: Pace, faults: Faults) -> Self {
        let clock = Clock { rate: pace.rate, base: pace.delay, count: 0, last: pace.delay };
        Self {
            parts,
            at: 0,
            within: 0,
            begun: false,
            pace,
            faults,
            counts: Counts::default(),
            text_index: 0,
            calls: 0,
            clock,
        }
    }

    /// What was said so far.
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// When the last piece so far was due.
    pub(super) fn last_due(&self) -> Duration {
        self.clock.last
    }

    /// What is due when `elapsed` has passed. Call until it is no piece.
    pub(super) fn next(&mut self, elapsed: Duration) -> Next {
        loop {
            // Between two pieces of one token nothing comes.
            let inside = self.begun && matches!(self.parts.get(self.at), Some(Part::Huge(_)));
            if !inside {
                if self.clock.base > elapsed {
                    return Next::At(self.clock.base);
                }
                if let Some(next) = self.fault() {
                    return next;
                }
            }
            let Some(part) = self.parts.get(self.at) else {
                match self.ending() {
                    Some(next) => return next,
                    None => continue,
                }
            };
            if let Part::Wait(wait) = *part {
                self.clock.wait(wait);
                self.advance();
            } else if let Part::Fail(text) = part {
                return Next::End(End::Failed(text.clone()));
            } else if !inside && self.part_is_over() {
                self.advance();
            } else if !inside && self.clock.due() > elapsed {
                return Next::At(self.clock.due());
            } else {
                return Next::Piece(self.piece());
            }
        }
    }

    fn advance(&mut self) {
        (self.at, self.within, self.begun) = (self.at + 1, 0, false);
    }

    /// A fault whose time has come.
    fn fault(&mut self) -> Option<Next> {
        let tokens = self.counts.tokens;
        let reached = |limit: Option<u64>| limit.is_some_and(|limit| limit <= tokens);
        if reached(self.faults.malformed) {
            self.faults.malformed = None;
            return Some(Next::Piece(Piece::Broken));
        }
        let end =
            [(self.faults.cut, End::Cut), (self.faults.reset, End::Reset), (self.faults.length, End::Length)];
        end.into_iter().find(|(limit, _)| reached(*limit)).map(|(_, end)| Next::End(end))
    }

    /// What comes behind the last part; `None` when there is one more.
    fn ending(&mut self) -> Option<Next> {
        if self.text_index == 0 && self.calls == 0 {
            // As the demo agent, so that no answer is empty.
            self.parts.push(Part::Say(String::from("Done.")));
            return None;
        }
        if self.faults.malformed.take().is_some() {
            return Some(Next::Piece(Piece::Broken));
        }
        let Faults { cut, reset, no_finish, .. } = self.faults;
        Some(Next::End(match () {
            () if cut.is_some() => End::Cut,
            () if reset.is_some() => End::Reset,
            () if no_finish => End::Unfinished,
            () if self.calls > 0 => End::Tools,
            () => End::Stop,
        }))
    }

    fn part_is_over(&self) -> bool {
        match &self.parts[self.at] {
            Part::Reason(count) | Part::Tokens(count) => self.within >= *count,
            Part::Say(text) => self.within >= text.len() as u64,
            Part::Call { arguments, .. } => self.begun && self.within >= arguments.len() as u64,
            Part::Huge(_) | Part::Wait(_) | Part::Fail(_) => false,
        }
    }

    /// The next piece of the part under way, which is not over and is due.
    fn piece(&mut self) -> Piece {
        let within = self.within as usize;
        let (piece, taken) = match &self.parts[self.at] {
            Part::Reason(_) => {
                self.counts.reasoning += 1;
                (Piece::Reason(token(self.within, self.pace.size)), 1)
            }
            Part::Say(text) => {
                let word = text[within..].split_inclusive(char::is_whitespace).next().unwrap_or_default();
                (Piece::Text(word.to_owned()), word.len())
            }
            Part::Call { name, .. } if !self.begun => {
                (self.begun, self.calls) = (true, self.calls + 1);
                // Named with the first piece of its arguments' token, so that it takes no time of its own.
                return Piece::Call { index: self.calls - 1, name: name.clone() };
            }
            Part::Call { arguments, .. } => {
                let end = arguments.ceil_char_boundary(within + ARGUMENTS_PIECE);
                (
                    Piece::Arguments { index: self.calls - 1, text: arguments[within..end].to_owned() },
                    end - within,
                )
            }
            Part::Huge(bytes) => return self.huge_piece(*bytes),
            Part::Tokens(_) | Part::Wait(_) | Part::Fail(_) => {
                (Piece::Text(token(self.text_index, self.pace.size)), 1)
            }
        };
        self.text_index += u64::from(matches!(piece, Piece::Text(_)));
        self.within += taken as u64;
        self.counts.tokens += 1;
        self.clock.tick();
        piece
    }

    fn huge_piece(&mut self, bytes: u64) -> Piece {
        if !self.begun {
            self.begun = true;
            return Piece::HugeStart;
        }
        let count = (bytes - self.within).min(HUGE_PIECE);
        self.within += count;
        if count > 0 {
            return Piece::HugeFill(count as usize);
        }
        self.text_index += 1;
        self.counts.tokens += 1;
        self.clock.tick();
        self.advance();
        Piece::HugeEnd
    }
}

#[cfg(test)]
mod tests;
