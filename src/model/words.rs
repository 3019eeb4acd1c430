//! The words that settings take: what the file may hold, and what clients may set.

/// `display.tui_status_indicator`.
pub const INDICATORS: [&str; 4] = ["ascii", "emoji", "kaomoji", "unicode"];

/// `display.details_mode`, and each of `display.sections`.
pub const DETAILS: [&str; 3] = ["hidden", "collapsed", "expanded"];

/// `display.thinking_mode`.
pub const THINKING: [&str; 3] = ["collapsed", "truncated", "full"];

/// `display.tui_statusbar`.
pub const STATUSBAR: [&str; 3] = ["top", "bottom", "off"];

/// `display.tool_progress`, in the order in which clients go through them.
pub const TOOL_PROGRESS: [&str; 4] = ["off", "new", "all", "verbose"];

/// What each word of `display.mouse_tracking` means.
pub const MOUSE: [(&str, &[&str]); 4] = [
    ("off", &["0", "false", "no", "off"]),
    ("all", &["1", "all", "any", "full", "on", "true", "yes"]),
    ("buttons", &["button", "buttons", "click"]),
    ("wheel", &["scroll", "wheel"]),
];
