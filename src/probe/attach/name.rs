//! Names of files that somebody else chose: cleaned, cut, and numbered when they are taken.

/// Bytes of a name; file systems have 255, and a number must fit behind it.
const NAME_BYTES_MAX: usize = 200;

/// Bytes of an extension that a cut leaves whole.
const EXTENSION_BYTES_MAX: usize = 20;

/// What a file is called whose name has nothing that could be kept.
const NAMELESS: &str = "attachment";

/// The last part of `name`, whichever way its path was written, without control characters, without blanks
/// and dots around it, and cut: never empty, never a way out of a folder.
pub(super) fn clean(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = base.chars().map(|c| if c.is_control() { '_' } else { c }).collect();
    let outer = |c: char| c.is_whitespace() || c == '.';
    let (stem, extension) = split(plain.trim_matches(outer));
    let extension = if extension.len() > EXTENSION_BYTES_MAX { "" } else { extension };
    let room = NAME_BYTES_MAX - extension.len();
    let stem = &stem[..stem.floor_char_boundary(room)];
    match format!("{}{extension}", stem.trim_matches(outer)) {
        empty if empty.is_empty() => NAMELESS.to_owned(),
        name => name,
    }
}

/// The name to try as number `number`: itself, then `stem-2.ext` and so on.
pub(super) fn numbered(name: &str, number: u32) -> String {
    if number <= 1 {
        return name.to_owned();
    }
    let (stem, extension) = split(name);
    format!("{stem}-{number}{extension}")
}

/// A name before the last dot, and the rest with the dot; a dot in front is part of the stem.
fn split(name: &str) -> (&str, &str) {
    name.rfind('.').filter(|at| *at > 0).map_or((name, ""), |at| name.split_at(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside_their_folder() {
        for (name, want) in [
            ("a b.txt", "a b.txt"),
            ("../../etc/passwd", "passwd"),
            ("C:\\x\\y z.txt", "y z.txt"),
            ("..", NAMELESS),
            ("", NAMELESS),
            ("a/", NAMELESS),
            (" . ", NAMELESS),
            (".bashrc", "bashrc"),
            (" x.md. ", "x.md"),
            ("a\nb\u{0}c\u{1b}[m.txt", "a_b_c_[m.txt"),
            ("ü.tar.gz", "ü.tar.gz"),
        ] {
            assert_eq!(clean(name), want, "{name:?}");
        }
    }

    #[test]
    fn long_names_are_cut_before_their_extension() {
        let name = clean(&format!("{}.txt", "é".repeat(1000)));
        assert_eq!((name.len(), name.ends_with("é.txt")), (NAME_BYTES_MAX, true));
        assert_eq!(clean(&"x".repeat(1000)).len(), NAME_BYTES_MAX);
        assert!(clean(&format!("a.{}", "x".repeat(1000))).len() <= NAME_BYTES_MAX);
    }

    #[test]
    fn numbers_stand_before_the_extension() {
        assert_eq!(numbered("a.tar.gz", 1), "a.tar.gz");
        assert_eq!(numbered("a.tar.gz", 2), "a.tar-2.gz");
        assert_eq!(numbered("Makefile", 3), "Makefile-3");
    }
}
