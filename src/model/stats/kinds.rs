//! What is counted by kind, and the words for the kinds: they are labels of `/metrics` and members of
//! `gateway.stats`, so a change here is a change of the wire.

use crate::base::tally::kinds;
use crate::model::turn::TurnStatus;

kinds! {
    /// How a turn ended.
    pub enum TurnOutcome {
        /// With an answer.
        Complete = "complete",
        /// Somebody stopped it.
        Interrupted = "interrupted",
        /// It failed.
        Error = "error",
        /// Its session went away.
        Closed = "closed",
    }
}

impl From<TurnStatus> for TurnOutcome {
    fn from(status: TurnStatus) -> Self {
        match status {
            TurnStatus::Complete => TurnOutcome::Complete,
            TurnStatus::Interrupted => TurnOutcome::Interrupted,
            TurnStatus::Error => TurnOutcome::Error,
        }
    }
}

kinds! {
    /// What a host behind a bridge is doing.
    pub enum HostKind {
        /// It answers.
        Ready = "ready",
        /// It starts.
        Starting = "starting",
        /// It does not answer.
        Slow = "slow",
        /// It ended, and the next process is not there yet.
        Down = "down",
    }
}

kinds! {
    /// What an error reply is about.
    pub enum ErrorClass {
        /// Not one JSON document.
        Parse = "parse",
        /// JSON, but no request.
        Request = "request",
        /// No such method.
        Method = "method",
        /// Parameters of the wrong type.
        Params = "params",
        /// Too much is waiting.
        Overload = "overload",
        /// A code from 4000 to 4999: the client can do something about it.
        Client = "4xxx",
        /// A code from 5000 on: it could not be done here.
        Server = "5xxx",
        /// A defect of this server.
        Internal = "internal",
    }
}

kinds! {
    /// Why a request was refused.
    pub enum Refused {
        /// No token, or a wrong one.
        Credential = "credential",
        /// The peer is not on this machine.
        Peer = "peer",
        /// `Host` is missing or not ours.
        Host = "host",
        /// `Origin` names a foreign page.
        Origin = "origin",
        /// There is no WebSocket at that path.
        Path = "path",
        /// No name of a channel, or too many channels.
        Channel = "channel",
        /// Not a valid opening handshake.
        Handshake = "handshake",
        /// Not a request head that is served here.
        Head = "head",
    }
}

kinds! {
    /// How a connection ended; the first cause counts.
    pub enum Closed {
        /// A plain request was answered or refused.
        Answered = "answered",
        /// The client closed it or went away.
        Client = "client",
        /// No request came in time.
        NoRequest = "no_request",
        /// The client broke the framing or its limits: 1002, 1003, 1007, 1008 or 1009.
        Violation = "violation",
        /// No answer to a ping: 1011.
        NoPong = "no_pong",
        /// The reader fell too far behind: 1013.
        SlowReader = "slow_reader",
        /// The server ends: 1001.
        Shutdown = "shutdown",
        /// The socket failed.
        Failed = "failed",
    }
}

kinds! {
    /// Why a waiting peer could not be taken in.
    pub enum AcceptFailure {
        /// No file descriptor was left, in the process or in the system.
        Descriptors = "descriptors",
        /// As many connections are open as may be.
        Full = "full",
        /// Anything else.
        Other = "other",
    }
}

kinds! {
    /// Why a reader was given up.
    pub enum OverrunKind {
        /// Too many control frames waited.
        Control = "control",
        /// It took nothing for too long.
        Stalled = "stalled",
    }
}

kinds! {
    /// How soon something has to arrive.
    pub enum Pace {
        /// It may wait for the frame clock: pieces of text.
        Paced = "paced",
        /// It may not: replies and everything that is no text.
        Now = "now",
    }
}
