//! The nine built-in skins as tables. The texts of the four mythic ones are our own and their banners
//! are left empty: neither is part of the protocol.

use serde_json::{Map, Value};

use super::Skin;

/// One built-in skin but for its colours.
struct Row {
    name: &'static str,
    /// What the agent is called; `Hermes` means the default branding.
    agent: &'static str,
    symbol: &'static str,
    tool_prefix: &'static str,
    welcome: &'static str,
    goodbye: &'static str,
    help_header: &'static str,
}

const HERMES_WELCOME: &str = "Welcome to Hermes Agent! Type your message or /help for commands.";
const HERMES_HELP: &str = "(^_^)? Available Commands";
const PLAIN_HELP: &str = "[?] Available Commands";

/// In the order in which they are offered, which is the order of the columns of [`COLORS`].
const SKINS: [Row; 9] = [
    Row::hermes("default", "┊", HERMES_HELP),
    Row {
        name: "ares",
        agent: "Ares",
        symbol: "⚔",
        tool_prefix: "╎",
        welcome: "Ares Agent stands ready. Type your message or /help for commands.",
        goodbye: "The field is yours. ⚔",
        help_header: "(⚔) Available Commands",
    },
    Row::hermes("mono", "┊", PLAIN_HELP),
    Row::hermes("slate", "┊", HERMES_HELP),
    Row::hermes("daylight", "│", PLAIN_HELP),
    Row::hermes("warm-lightmode", "┊", HERMES_HELP),
    Row {
        name: "poseidon",
        agent: "Poseidon",
        symbol: "Ψ",
        tool_prefix: "│",
        welcome: "Poseidon Agent is listening. Type your message or /help for commands.",
        goodbye: "Calm seas. Ψ",
        help_header: "(Ψ) Available Commands",
    },
    Row {
        name: "sisyphus",
        agent: "Sisyphus",
        symbol: "◉",
        tool_prefix: "│",
        welcome: "Sisyphus Agent is at the foot of the hill. Type your message or /help for commands.",
        goodbye: "The stone rests for now. ◉",
        help_header: "(◉) Available Commands",
    },
    Row {
        name: "charizard",
        agent: "Charizard",
        symbol: "✦",
        tool_prefix: "│",
        welcome: "Charizard Agent is warmed up. Type your message or /help for commands.",
        goodbye: "The flame stays lit. ✦",
        help_header: "(✦) Available Commands",
    },
];

/// A row for each colour, a column for each skin; `-` is not set. The first sixteen rows are those of the
/// default skin, which every other skin inherits.
const COLORS: &str = "\
banner_border                   #CD7F32 #9F1C1C #555555 #4169e1 #2563EB #8B6914 #2A6FB9 #B7B7B7 #C75B1D
banner_title                    #FFD700 #C7A96B #e6edf3 #7eb8f6 #0F172A #5C3D11 #A9DFFF #F5F5F5 #FFD39A
banner_accent                   #FFBF00 #DD4A3A #aaaaaa #8EA8FF #1D4ED8 #8B4513 #5DB8F5 #E7E7E7 #F29C38
banner_dim                      #B8860B #6B1717 #444444 #4b5563 #475569 #8B7355 #153C73 #4A4A4A #C58A45
banner_text                     #FFF8DC #F1E6CF #c9d1d9 #c9d1d9 #111827 #2C1810 #EAF7FF #D3D3D3 #FFF0D4
ui_accent                       #FFBF00 #DD4A3A #aaaaaa #7eb8f6 #2563EB #8B4513 #5DB8F5 #E7E7E7 #F29C38
ui_label                        #DAA520 #C7A96B #888888 #8EA8FF #0F766E #5C3D11 #A9DFFF #D3D3D3 #FFD39A
ui_ok                           #4caf50 #4caf50 #888888 #63D0A6 #15803D #2E7D32 #4caf50 #919191 #4caf50
ui_error                        #ef5350 #ef5350 #cccccc #F7A072 #B91C1C #C62828 #ef5350 #E7E7E7 #ef5350
ui_warn                         #ffa726 #ffa726 #999999 #e6a855 #B45309 #E65100 #ffa726 #B7B7B7 #ffa726
prompt                          #FFF8DC #F1E6CF #c9d1d9 #c9d1d9 #111827 #2C1810 #EAF7FF #F5F5F5 #FFF0D4
input_rule                      #CD7F32 #9F1C1C #444444 #4169e1 #93C5FD #8B6914 #2A6FB9 #656565 #C75B1D
response_border                 #FFD700 #C7A96B #aaaaaa #7eb8f6 #2563EB #8B6914 #5DB8F5 #B7B7B7 #F29C38
status_bar_bg                   #1a1a2e #2A1212 #1F1F1F #151C2F #E5EDF8 #F5F0E8 #0F2440 #202020 #2B160E
session_label                   #DAA520 #C7A96B #888888 #7eb8f6 #1D4ED8 #5C3D11 #A9DFFF #919191 #FFD39A
session_border                  #8B8682 #6E584B #555555 #4b5563 #64748B #A0845C #496884 #656565 #6C4724
status_bar_text                 -       #F1E6CF #C9D1D9 #C9D1D9 -       -       #EAF7FF #D3D3D3 #FFF0D4
status_bar_strong               -       #C7A96B #E6EDF3 #7EB8F6 -       -       #A9DFFF #F5F5F5 #FFD39A
status_bar_dim                  -       #6E584B #777777 #4B5563 -       -       #496884 #656565 #6C4724
status_bar_good                 -       #7BC96F #B5B5B5 #63D0A6 -       -       #6ED7B0 #B7B7B7 #6BCB77
status_bar_warn                 -       #C7A96B #AAAAAA #E6A855 -       -       #5DB8F5 #D3D3D3 #F29C38
status_bar_bad                  -       #DD4A3A #D0D0D0 #F7A072 -       -       #2A6FB9 #E7E7E7 #E2832B
status_bar_critical             -       #EF5350 #F0F0F0 #FF7A7A -       -       #D94F4F #F5F5F5 #EF5350
voice_status_bg                 -       -       -       -       #E5EDF8 #F5F0E8 -       -       -
completion_menu_bg              -       -       -       -       #F8FAFC #F5EFE0 -       -       #0B0503
completion_menu_current_bg      -       -       -       -       #DBEAFE #E8DCC8 -       -       #4A1B07
completion_menu_meta_bg         -       -       -       -       #EEF2FF #F0E8D8 -       -       #120806
completion_menu_meta_current_bg -       -       -       -       #BFDBFE #DFCFB0 -       -       #5A260D
selection_bg                    -       -       -       -       -       -       -       -       #5A260D
";

impl Row {
    const fn hermes(name: &'static str, tool_prefix: &'static str, help_header: &'static str) -> Self {
        Self {
            name,
            agent: "Hermes",
            symbol: "⚕",
            tool_prefix,
            welcome: HERMES_WELCOME,
            goodbye: "Goodbye! ⚕",
            help_header,
        }
    }

    fn branding(&self) -> Map<String, Value> {
        // The default branding shows its symbol everywhere but at the prompt.
        let prompt_symbol = if self.agent == "Hermes" { "❯" } else { self.symbol };
        let texts = [
            ("agent_name", format!("{} Agent", self.agent)),
            ("welcome", self.welcome.to_owned()),
            ("goodbye", self.goodbye.to_owned()),
            ("response_label", format!(" {} {} ", self.symbol, self.agent)),
            ("prompt_symbol", prompt_symbol.to_owned()),
            ("help_header", self.help_header.to_owned()),
        ];
        texts.into_iter().map(|(key, text)| (key.to_owned(), Value::String(text))).collect()
    }
}

/// The names, in their order.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    SKINS.iter().map(|row| row.name)
}

/// The built-in skin of exactly that name.
pub(super) fn find(name: &str) -> Option<Skin> {
    let column = SKINS.iter().position(|row| row.name == name)?;
    let row = &SKINS[column];
    Some(Skin {
        name: row.name.to_owned(),
        colors: colors(column),
        branding: row.branding(),
        banner_logo: String::new(),
        banner_hero: String::new(),
        tool_prefix: Some(row.tool_prefix.to_owned()),
    })
}

fn colors(column: usize) -> Map<String, Value> {
    let cell = |line: &str| {
        let mut words = line.split_whitespace();
        let (key, color) = (words.next()?, words.nth(column)?);
        (color != "-").then(|| (key.to_owned(), Value::from(color)))
    };
    COLORS.lines().filter_map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert_eq!(COLORS.lines().count(), 29);
        for line in COLORS.lines() {
            let mut words = line.split_whitespace();
            let key = words.next().unwrap();
            let cells: Vec<&str> = words.collect();
            assert_eq!(cells.len(), SKINS.len(), "{key}");
            for cell in cells {
                let hex = cell.strip_prefix('#').unwrap_or("");
                let valid = hex.len() == 6 && hex.chars().all(|c| c.is_ascii_hexdigit());
                assert!(valid || cell == "-", "{key} {cell}");
            }
        }
    }

    #[test]
    fn each_has_all_its_parts() {
        for row in &SKINS {
            let skin = find(row.name).unwrap();
            assert!(skin.colors.len() >= 16, "{}", row.name);
            assert_eq!(skin.branding.len(), 6);
            assert_eq!(row.tool_prefix.chars().count(), 1);
        }
        assert_eq!(find("default").unwrap().colors.len(), 16);
        assert!(find("Default").is_none());
    }
}
