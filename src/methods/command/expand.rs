//! Which command a word means: one of that name or alias, or the one whose beginning it is. Pure.

use crate::slash::table::{COMMANDS, Category, Command};

/// Candidates that an ambiguous word is told with.
const CANDIDATES_MAX: usize = 6;

/// What a word means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Meant {
    /// This name.
    One(String),
    /// One of these.
    Several(Vec<String>),
    /// Nothing.
    Nothing,
}

/// The command of this name or alias. The client's own are none: they do not come here.
pub(super) fn known(name: &str) -> Option<&'static Command> {
    commands().find(|command| command.names().any(|known| known == name))
}

fn commands() -> impl Iterator<Item = &'static Command> {
    COMMANDS.iter().filter(|command| command.category != Category::Tui)
}

/// What the beginning of a name means: commands of the table under their canonical names, and `others`. Among
/// several the shortest is meant, if there is one only.
pub(super) fn meant(word: &str, others: &[String]) -> Meant {
    let mut found: Vec<(&str, &str)> = Vec::new();
    for command in commands() {
        found.extend(command.names().filter(|name| name.starts_with(word)).map(|name| (name, command.name)));
    }
    found.extend(others.iter().filter(|name| name.starts_with(word)).map(|name| (&**name, &**name)));
    if word.is_empty() {
        return Meant::Nothing;
    }
    let mut canonical: Vec<&str> = found.iter().map(|(_, canonical)| *canonical).collect();
    canonical.dedup();
    if let [one] = canonical.as_slice() {
        return Meant::One((*one).to_owned());
    }
    let least = found.iter().map(|(name, _)| name.len()).min().unwrap_or(0);
    let mut shortest = found.iter().filter(|(name, _)| name.len() == least);
    match (shortest.next(), shortest.next()) {
        (Some((_, canonical)), None) => Meant::One((*canonical).to_owned()),
        (None, _) => Meant::Nothing,
        _ => Meant::Several(found.iter().take(CANDIDATES_MAX).map(|(name, _)| (*name).to_owned()).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str) -> Meant {
        Meant::One(name.to_owned())
    }

    #[test]
    fn a_name_is_known_and_so_is_an_alias() {
        for (name, canonical) in
            [("help", "help"), ("bg", "background"), ("fork", "branch"), ("v", "version")]
        {
            assert_eq!(known(name).map(|command| command.name), Some(canonical), "{name}");
        }
        for name in ["", "Help", "details", "logs", "nothing"] {
            assert!(known(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_beginning_means_the_only_command_that_has_it() {
        assert_eq!(meant("he", &[]), one("help"));
        assert_eq!(meant("bac", &[]), one("background"));
        assert_eq!(meant("nothing", &[]), Meant::Nothing);
        assert_eq!(meant("", &[]), Meant::Nothing);
    }

    #[test]
    fn among_several_the_shortest_is_meant_if_it_is_the_only_one() {
        // steer and stop; status is longer.
        assert_eq!(meant("sto", &[]), one("stop"));
        assert_eq!(meant("st", &[]), one("stop"));
        let others = ["zab", "zac", "zabcd"].map(str::to_owned);
        assert_eq!(meant("zabc", &others), one("zabcd"));
        assert_eq!(meant("za", &others), Meant::Several(others.to_vec()));
    }
}
