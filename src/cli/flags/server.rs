//! Flags of `serve` and `stdio`.

use std::path::PathBuf;

use super::{Flag, Mode};
use crate::cli::values::{agent, filled, level, port, seconds, token};

const SERVE: &[Mode] = &[Mode::Serve];
const LOGGERS: &[Mode] = &[Mode::Serve, Mode::Stdio, Mode::Record, Mode::Replay];

pub(super) const FLAGS: &[Flag] = &[
    Flag {
        name: "host",
        short: None,
        value: "HOST",
        on: SERVE,
        help: "Address or name to listen on.",
        default: "127.0.0.1",
        set: |low, value| filled(&value).map(|host| low.host = Some(host.to_owned())),
    },
    Flag {
        name: "port",
        short: None,
        value: "PORT",
        on: &[Mode::Serve, Mode::FakeModel, Mode::Record, Mode::Replay],
        help: "Port to listen on; 0 takes any free one.",
        default: "9119, for fake-model 0, for record and replay 9120",
        set: |low, value| port(&value).map(|port| low.port = Some(port)),
    },
    Flag {
        name: "token",
        short: None,
        value: "TOKEN",
        on: &[Mode::Serve, Mode::Chat, Mode::Record, Mode::Replay],
        help: "Session token a client has to show. Others on this machine can read it in the process list: \
               prefer HERMES_DASHBOARD_SESSION_TOKEN.",
        default: "",
        set: |low, value| token(&value).map(|token| low.token = Some(token)),
    },
    Flag {
        name: "allow-host",
        short: None,
        value: "NAME",
        on: SERVE,
        help: "A name, besides addresses and localhost, by which clients may address a server that does not \
               listen on loopback. May be given several times.",
        default: "",
        set: |low, value| filled(&value).map(|name| low.allow_hosts.push(name.to_owned())),
    },
    Flag {
        name: "agent",
        short: None,
        value: "AGENT",
        on: &[Mode::Serve, Mode::Stdio, Mode::Bench],
        help: "Who answers: auto, demo or openai. bench: openai is the gateway's own agent, of any \
               gateway, before a \
               fake model; auto is demo if all gateways are ours.",
        default: "auto",
        set: |low, value| agent(&value).map(|agent| low.agent = Some(agent)),
    },
    Flag {
        name: "acp",
        short: None,
        value: "COMMAND",
        on: &[Mode::Serve, Mode::Stdio],
        help: "Let the agent answer that this command starts and that speaks the Agent Client Protocol on its \
               stdin and stdout. The command is split into words as a shell does, and nothing in it is expanded.",
        default: "$TUI_GATEWAY_ACP, else none",
        set: |low, value| filled(&value).map(|command| low.acp.command = Some(command.to_owned())),
    },
    Flag {
        name: "acp-auth",
        short: None,
        value: "ID",
        on: &[Mode::Serve, Mode::Stdio],
        help: "The way to log in with the agent of --acp, by the id that the agent gives it. Needed where it \
               wants a login and offers several ways; an error lists them.",
        default: "$TUI_GATEWAY_ACP_AUTH, else the only one",
        set: |low, value| filled(&value).map(|id| low.acp.login = Some(id.to_owned())),
    },
    Flag {
        name: "no-acp-mcp",
        short: None,
        value: "",
        on: &[Mode::Serve, Mode::Stdio],
        help: "Tell the agent of --acp nothing of the tool servers in config.yaml.",
        default: "",
        set: |low, _| {
            low.acp.keeps_servers = true;
            Ok(())
        },
    },
    Flag {
        name: "no-merge",
        short: None,
        value: "",
        on: SERVE,
        help: "Send every piece of text as a message of its own, instead of joining what comes at once.",
        default: "",
        set: |low, _| {
            low.no_merge = true;
            Ok(())
        },
    },
    Flag {
        name: "no-store",
        short: None,
        value: "",
        on: &[Mode::Serve, Mode::Stdio],
        help: "Keep conversations in memory only, and write none of them to disk.",
        default: "",
        set: |low, _| {
            low.no_store = true;
            Ok(())
        },
    },
    Flag {
        name: "ping-interval",
        short: None,
        value: "SECONDS",
        on: SERVE,
        help: "Time between two pings to a client; 0 sends none.",
        default: "30 on loopback, else 20",
        set: |low, value| seconds(&value).map(|period| low.ping_interval = Some(period)),
    },
    Flag {
        name: "ping-timeout",
        short: None,
        value: "SECONDS",
        on: SERVE,
        help: "Time a client has to answer a ping; 0 waits for ever.",
        default: "60 on loopback, else 20",
        set: |low, value| seconds(&value).map(|period| low.ping_timeout = Some(period)),
    },
    Flag {
        name: "log-level",
        short: None,
        value: "LEVEL",
        on: LOGGERS,
        help: "How much to log: off, error, warn, info, debug or trace.",
        default: "info for serve, else warn",
        set: |low, value| level(&value).map(|level| low.log_level = Some(level)),
    },
    Flag {
        name: "log-file",
        short: None,
        value: "FILE",
        on: LOGGERS,
        help: "File to append the log to.",
        default: "stderr",
        set: |low, value| {
            if value.is_empty() {
                return Err("a path".to_owned());
            }
            low.log_file = Some(PathBuf::from(value));
            Ok(())
        },
    },
];
