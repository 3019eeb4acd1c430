//! The table of metrics. A new figure is a member of [`Stats`](crate::model::stats::Stats) and a row here.

use std::borrow::Cow;

use super::Figure::{By, Real, Spread, Whole, Words};
use super::{Metric, by_pace, tally};

/// Every metric, in the order of listings.
pub const METRICS: &[Metric] = &[
    Metric::gauge("tui_gateway_build_info", "Versions of the program and of the wire; always 1.", |s| {
        Words(&["version", "wire_version"], vec![s.version, s.wire_version])
    })
    .by("version, wire_version"),
    Metric::gauge("process_start_time_seconds", "When the process started, in seconds since 1970.", |s| {
        Real(Some(s.process.started))
    }),
    Metric::counter("process_cpu_seconds_total", "Time all threads of the process computed.", |s| {
        Real(s.process.cpu.map(|cpu| cpu.as_secs_f64()))
    }),
    Metric::gauge("process_resident_memory_bytes", "Resident memory of the process.", |s| {
        Real(s.process.resident.map(|bytes| bytes as f64))
    }),
    // Connections.
    Metric::gauge("tui_gateway_connections_open", "Connections, WebSocket or not; stdio is one.", |s| {
        Whole(s.links.open)
    }),
    Metric::counter("tui_gateway_connections_total", "Connections accepted.", |s| Whole(s.links.accepted)),
    Metric::counter("tui_gateway_connections_closed_total", "Connections that ended, by first cause.", |s| {
        tally(&s.links.closed)
    })
    .by("reason"),
    Metric::counter(
        "tui_gateway_requests_refused_total",
        "Requests refused before anything was done.",
        |s| tally(&s.links.refused),
    )
    .by("reason"),
    Metric::counter("tui_gateway_websockets_total", "Connections that became a WebSocket.", |s| {
        Whole(s.links.upgraded)
    }),
    Metric::counter("tui_gateway_http_requests_total", "Plain HTTP requests answered, this one too.", |s| {
        Whole(s.links.http_requests)
    }),
    Metric::counter("tui_gateway_accept_failures_total", "Times a waiting peer was not taken in.", |s| {
        tally(&s.links.accept_failures)
    })
    .by("reason"),
    Metric::counter("tui_gateway_pings_total", "Pings sent.", |s| Whole(s.links.pings)),
    Metric::counter("tui_gateway_pong_timeouts_total", "Pings not answered in time.", |s| {
        Whole(s.links.pong_timeouts)
    }),
    // What they carry.
    Metric::counter("tui_gateway_received_bytes_total", "Bytes read; over stdio those of documents.", |s| {
        Whole(s.links.bytes_in)
    }),
    Metric::counter("tui_gateway_received_messages_total", "Documents read, blank ones not counted.", |s| {
        Whole(s.links.messages_in)
    }),
    Metric::counter("tui_gateway_sent_bytes_total", "Bytes that sockets and stdout took.", |s| {
        Whole(s.links.bytes_out)
    }),
    Metric::counter("tui_gateway_sent_frames_total", "Documents written.", |s| Whole(s.links.frames_out)),
    Metric::counter("tui_gateway_deltas_merged_total", "Pieces of text joined to an earlier one.", |s| {
        Whole(s.links.merged)
    }),
    Metric::gauge("tui_gateway_outbox_bytes", "Bytes in memory that wait for readers.", |s| {
        Whole(s.links.outbox.sum)
    }),
    Metric::gauge("tui_gateway_outbox_max_bytes", "The same of the connection that has most.", |s| {
        Whole(s.links.outbox.max)
    }),
    Metric::counter("tui_gateway_reader_overruns_total", "Readers given up with 1013.", |s| {
        tally(&s.links.overruns)
    })
    .by("reason"),
    // Sessions and turns.
    Metric::gauge("tui_gateway_clients", "Clients connected.", |s| Whole(s.gateway.clients)),
    Metric::gauge("tui_gateway_sessions", "Live sessions.", |s| Whole(s.gateway.sessions)),
    Metric::counter("tui_gateway_sessions_total", "Sessions opened.", |s| Whole(s.gateway.sessions_opened)),
    Metric::gauge("tui_gateway_turns_running", "Turns that run.", |s| Whole(s.gateway.turns_running)),
    Metric::counter("tui_gateway_turns_started_total", "Turns started.", |s| Whole(s.gateway.turns_started)),
    Metric::counter("tui_gateway_turns_ended_total", "Turns that ended.", |s| tally(&s.gateway.turns_ended))
        .by("status"),
    Metric::gauge("tui_gateway_questions_open", "Questions of agents that nobody has answered.", |s| {
        Whole(s.gateway.questions)
    }),
    Metric::gauge("tui_gateway_jobs_pending", "Requests of the lane pool whose job is not done.", |s| {
        Whole(s.gateway.jobs)
    }),
    Metric::counter("tui_gateway_replies_total", "Requests answered, errors included.", |s| {
        Whole(s.gateway.replies)
    }),
    Metric::counter("tui_gateway_errors_total", "Requests answered with an error, by class of code.", |s| {
        tally(&s.gateway.errors)
    })
    .by("class"),
    // Agents.
    Metric::gauge("tui_gateway_agents_running", "Agents the loop listens to.", |s| Whole(s.agents.running)),
    Metric::gauge("tui_gateway_mailbox_events", "Events of agents that wait to be taken.", |s| {
        Whole(s.agents.mailbox.sum)
    }),
    Metric::gauge("tui_gateway_mailbox_max_events", "The same of the agent that has most.", |s| {
        Whole(s.agents.mailbox.max)
    }),
    Metric::counter("tui_gateway_stale_events_total", "Events of turns that had ended already.", |s| {
        Whole(s.gateway.stale_events)
    }),
    // The loop.
    Metric::histogram("tui_gateway_loop_late_wake_seconds", "How late the kernel woke the loop.", |s| {
        Spread(&s.reactor.wakes)
    }),
    Metric::histogram("tui_gateway_loop_turn_seconds", "How long one turn of the loop took.", |s| {
        Spread(&s.reactor.turns)
    }),
    Metric::counter("tui_gateway_loop_slow_turns_total", "Turns over 100 ms, by what took longest.", |s| {
        By(s.reactor.slow_by.iter().map(|(culprit, count)| (Cow::from(culprit), *count)).collect())
    })
    .by("culprit"),
    Metric::counter("tui_gateway_loop_stalls_total", "Heartbeats more than 5 s late.", |s| {
        Whole(s.reactor.stalls)
    }),
    Metric::counter("tui_gateway_pulse_frames_total", "Frames of the clock that paces text.", |s| {
        Whole(s.reactor.frames)
    }),
    Metric::counter(
        "tui_gateway_pulse_skipped_total",
        "Frames missed because the loop came too late.",
        |s| Whole(s.reactor.frames_skipped),
    ),
    // One frame's way.
    Metric::histogram(
        "tui_gateway_emit_to_drained_seconds",
        "From an agent's word to the loop; sampled.",
        |s| by_pace(&s.stages.drained),
    )
    .by("pace"),
    Metric::histogram(
        "tui_gateway_drained_to_written_seconds",
        "From the loop until the socket took the last byte; sampled.",
        |s| by_pace(&s.stages.written),
    )
    .by("pace"),
];
