//! The table of metrics. A new figure is a member of [`Stats`] and a row here.

use super::Figure::{ByName, ByPace, Spread, Time, Unknown, Versions, Whole};
use super::{Figure, Metric};
use crate::base::tally::{Kind, Tally};
use crate::model::stats::Stats;

/// Every metric with its figure, in the order of listings.
pub fn metrics(s: &Stats) -> Vec<Metric<'_>> {
    let mut rows = Vec::new();
    rows.extend(process(s));
    rows.extend(connections(s));
    rows.extend(traffic(s));
    rows.extend(conversations(s));
    rows.extend(reactor(s));
    rows
}

fn process(s: &Stats) -> Vec<Metric<'_>> {
    vec![
        by(
            "tui_gateway_build_info",
            "version, wire_version",
            "Versions of the program and of the wire; always 1.",
            Versions(s.version, s.wire_version),
        ),
        row(
            "process_start_time_seconds",
            "When the process started, in seconds since 1970.",
            Time(s.process.started),
        ),
        row(
            "process_cpu_seconds_total",
            "Time all threads of the process computed.",
            s.process.cpu.map_or(Unknown, Time),
        ),
        row(
            "process_resident_memory_bytes",
            "Resident memory of the process.",
            s.process.resident.map_or(Unknown, Whole),
        ),
    ]
}

/// What is connected, and what is not let in.
fn connections(s: &Stats) -> Vec<Metric<'_>> {
    vec![
        row(
            "tui_gateway_connections_open",
            "Connections, WebSocket or not; stdio is one.",
            Whole(s.links.open),
        ),
        row("tui_gateway_connections_total", "Connections accepted.", Whole(s.links.accepted)),
        by(
            "tui_gateway_connections_closed_total",
            "reason",
            "Connections that ended, by first cause.",
            tally(&s.links.closed),
        ),
        by(
            "tui_gateway_requests_refused_total",
            "reason",
            "Requests refused before anything was done.",
            tally(&s.links.refused),
        ),
        row("tui_gateway_websockets_total", "Connections that became a WebSocket.", Whole(s.links.upgraded)),
        row(
            "tui_gateway_http_requests_total",
            "Plain HTTP requests answered, this one too.",
            Whole(s.links.http_requests),
        ),
        by(
            "tui_gateway_accept_failures_total",
            "reason",
            "Times a waiting peer was not taken in.",
            tally(&s.links.accept_failures),
        ),
        row("tui_gateway_pings_total", "Pings sent.", Whole(s.links.pings)),
        row("tui_gateway_pong_timeouts_total", "Pings not answered in time.", Whole(s.links.pong_timeouts)),
    ]
}

/// What connections carry.
fn traffic(s: &Stats) -> Vec<Metric<'_>> {
    vec![
        row(
            "tui_gateway_received_bytes_total",
            "Bytes read; over stdio those of documents.",
            Whole(s.links.bytes_in),
        ),
        row(
            "tui_gateway_received_messages_total",
            "Documents read, blank ones not counted.",
            Whole(s.links.messages_in),
        ),
        row("tui_gateway_sent_bytes_total", "Bytes that sockets and stdout took.", Whole(s.links.bytes_out)),
        row("tui_gateway_sent_frames_total", "Documents written.", Whole(s.links.frames_out)),
        row(
            "tui_gateway_deltas_merged_total",
            "Pieces of text joined to an earlier one.",
            Whole(s.links.merged),
        ),
        row("tui_gateway_outbox_bytes", "Bytes in memory that wait for readers.", Whole(s.links.outbox.sum)),
        row(
            "tui_gateway_outbox_max_bytes",
            "The same of the connection that has most.",
            Whole(s.links.outbox.max),
        ),
        by(
            "tui_gateway_reader_overruns_total",
            "reason",
            "Readers given up with 1013.",
            tally(&s.links.overruns),
        ),
        row(
            "tui_gateway_sidecar_connects_total",
            "Connections made to the sidecar.",
            Whole(s.sidecar.connects),
        ),
        row("tui_gateway_sidecar_sent_total", "Documents the sidecar took.", Whole(s.sidecar.sent)),
        row(
            "tui_gateway_sidecar_dropped_total",
            "Documents the sidecar was too slow for, or not there.",
            Whole(s.sidecar.dropped),
        ),
    ]
}

/// What the state machine holds.
fn conversations(s: &Stats) -> Vec<Metric<'_>> {
    vec![
        row("tui_gateway_clients", "Clients connected.", Whole(s.gateway.clients)),
        row("tui_gateway_sessions", "Live sessions.", Whole(s.gateway.sessions)),
        row("tui_gateway_sessions_total", "Sessions opened.", Whole(s.gateway.sessions_opened)),
        row("tui_gateway_turns_running", "Turns that run.", Whole(s.gateway.turns_running)),
        row("tui_gateway_turns_started_total", "Turns started.", Whole(s.gateway.turns_started)),
        by("tui_gateway_turns_ended_total", "status", "Turns that ended.", tally(&s.gateway.turns_ended)),
        row(
            "tui_gateway_questions_open",
            "Questions of agents that nobody has answered.",
            Whole(s.gateway.questions),
        ),
        row(
            "tui_gateway_jobs_pending",
            "Requests of the lane pool whose job is not done.",
            Whole(s.gateway.jobs),
        ),
        row("tui_gateway_replies_total", "Requests answered, errors included.", Whole(s.gateway.replies)),
        by(
            "tui_gateway_errors_total",
            "class",
            "Requests answered with an error, by class of code.",
            tally(&s.gateway.errors),
        ),
        row("tui_gateway_agents_running", "Agents the loop listens to.", Whole(s.agents.running)),
        row(
            "tui_gateway_mailbox_events",
            "Events of agents that wait to be taken.",
            Whole(s.agents.mailbox.sum),
        ),
        row(
            "tui_gateway_mailbox_max_events",
            "The same of the agent that has most.",
            Whole(s.agents.mailbox.max),
        ),
        by(
            "tui_gateway_hosts",
            "state",
            "Hosts behind a bridge, by what they are doing.",
            tally(&s.hosts.states),
        ),
        row(
            "tui_gateway_host_restarts_total",
            "Processes of hosts that took the place of one that had ended.",
            Whole(s.hosts.restarts),
        ),
        row("tui_gateway_host_news", "News of hosts that wait to be taken.", Whole(s.hosts.mailbox.sum)),
        row(
            "tui_gateway_stale_events_total",
            "Events of turns that had ended already.",
            Whole(s.gateway.stale_events),
        ),
    ]
}

/// How the loop does, and how long a frame is under way.
fn reactor(s: &Stats) -> Vec<Metric<'_>> {
    vec![
        row(
            "tui_gateway_loop_late_wake_seconds",
            "How late the kernel woke the loop.",
            Spread(&s.reactor.wakes),
        ),
        row("tui_gateway_loop_turn_seconds", "How long one turn of the loop took.", Spread(&s.reactor.turns)),
        by(
            "tui_gateway_loop_slow_turns_total",
            "culprit",
            "Turns over 100 ms, by what took longest.",
            ByName(&s.reactor.slow_by),
        ),
        row("tui_gateway_loop_stalls_total", "Heartbeats more than 5 s late.", Whole(s.reactor.stalls)),
        row(
            "tui_gateway_pulse_frames_total",
            "Frames of the clock that paces text.",
            Whole(s.reactor.frames),
        ),
        row(
            "tui_gateway_pulse_skipped_total",
            "Frames missed because the loop came too late.",
            Whole(s.reactor.frames_skipped),
        ),
        by(
            "tui_gateway_emit_to_drained_seconds",
            "pace",
            "From an agent's word to the loop; sampled.",
            ByPace(&s.stages.drained),
        ),
        by(
            "tui_gateway_drained_to_written_seconds",
            "pace",
            "From the loop until the socket took the last byte; sampled.",
            ByPace(&s.stages.written),
        ),
    ]
}

/// A metric of one series.
fn row<'a>(name: &'static str, help: &'static str, figure: Figure<'a>) -> Metric<'a> {
    Metric { name, label: "", help, figure }
}

/// A metric with a series for each value of `label`.
fn by<'a>(name: &'static str, label: &'static str, help: &'static str, figure: Figure<'a>) -> Metric<'a> {
    Metric { name, label, help, figure }
}

fn tally<K: Kind>(tally: &Tally<K>) -> Figure<'_> {
    Figure::By(K::LABELS, tally.counts())
}
