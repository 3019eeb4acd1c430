//! What a model calls a server's tool. Pure.

use std::collections::HashSet;

/// Longest name, in bytes; the bound of the models' interfaces.
const NAME_BYTES_MAX: usize = 64;

/// `mcp_<server>_<tool>`, unlike any that is taken. A name that is too long or taken ends in a number made from
/// both names, so that it is the same at the next start.
pub(super) fn tool_name(server: &str, tool: &str, taken: &HashSet<String>) -> String {
    let plain = format!("mcp_{}_{}", clean(server), clean(tool));
    let mut name = plain.clone();
    let mut round: u32 = 0;
    while name.len() > NAME_BYTES_MAX || taken.contains(&name) {
        let tail = format!("_{:08x}", hash(server, tool, round));
        name.clone_from(&plain);
        // All of it is ASCII.
        name.truncate(NAME_BYTES_MAX - tail.len());
        name.push_str(&tail);
        round = round.wrapping_add(1);
    }
    name
}

/// With a low line for what names may not have in them.
fn clean(name: &str) -> String {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    name.chars().map(|letter| if fits(letter) { letter } else { '_' }).collect()
}

/// FNV-1a (Fowler, Noll and Vo).
fn hash(server: &str, tool: &str, round: u32) -> u32 {
    let bytes = server.bytes().chain([0]).chain(tool.bytes()).chain(round.to_le_bytes());
    bytes.fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_short_and_unlike() {
        let mut taken = HashSet::new();
        let mut name = |server: &str, tool: &str| {
            let name = tool_name(server, tool, &taken);
            assert!(name.len() <= 64 && name.is_ascii(), "{name}");
            assert!(taken.insert(name.clone()), "{name} came twice");
            name
        };
        assert_eq!(name("my fs", "read.file"), "mcp_my_fs_read_file");
        assert_eq!(name("a-b", "ü"), "mcp_a-b__");
        let second = name("my_fs", "read.file");
        assert!(second.starts_with("mcp_my_fs_read_file_") && second.len() == 28, "{second}");
        let long = name("s", &"x".repeat(100));
        assert_eq!(long.len(), 64);
        assert_ne!(name("s", &"x".repeat(101)), long);
        name("s", &"x".repeat(100));
    }

    #[test]
    fn names_are_the_same_every_time() {
        let none = HashSet::new();
        let long = "x".repeat(100);
        assert_eq!(tool_name("s", &long, &none), tool_name("s", &long, &none));
    }
}
