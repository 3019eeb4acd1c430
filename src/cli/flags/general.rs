//! Flags that every command knows.

use super::{Flag, Mode};

pub(super) const FLAGS: &[Flag] = &[
    Flag {
        name: "help",
        short: Some('h'),
        value: "",
        on: &Mode::ALL,
        help: "Print this help.",
        default: "",
        set: |low, _| {
            low.help = true;
            Ok(())
        },
    },
    Flag {
        name: "version",
        short: Some('V'),
        value: "",
        on: &Mode::ALL,
        help: "Print the version.",
        default: "",
        set: |low, _| {
            low.version = true;
            Ok(())
        },
    },
];
