//! Flags of `chat` and `methods`.

use super::{Flag, Mode};
use crate::cli::values::filled;

pub(super) const FLAGS: &[Flag] = &[
    Flag {
        name: "url",
        short: None,
        value: "URL",
        on: &[Mode::Chat, Mode::Record, Mode::Replay],
        help: "The gateway, as ws://host:port/api/ws. Without it a running server of this user is found, with its \
               token unless one is given.",
        default: "$HERMES_TUI_GATEWAY_URL, else this user's running server, else ws://127.0.0.1:9119/api/ws",
        set: |low, value| filled(&value).map(|url| low.url = Some(url.to_owned())),
    },
    Flag {
        name: "once",
        short: None,
        value: "TEXT",
        on: &[Mode::Chat],
        help: "Send this one prompt, print the answer and leave.",
        default: "",
        set: |low, value| filled(&value).map(|text| low.once = Some(text.to_owned())),
    },
    Flag {
        name: "names",
        short: None,
        value: "",
        on: &[Mode::Methods],
        help: "Print the names only.",
        default: "",
        set: |low, _| {
            low.names = true;
            Ok(())
        },
    },
];
