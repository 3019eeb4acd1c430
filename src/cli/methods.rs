//! The listing of methods, rendered. Takes rows; knows no table and prints nothing.

/// Name, lane and summary of a method.
pub type MethodRow<'a> = (&'a str, &'a str, &'a str);

/// An aligned table with a line for each method, or with `names_only` the names, one a line.
pub fn render(rows: &[MethodRow<'_>], names_only: bool) -> String {
    let width = |text: &str| text.chars().count();
    let names = rows.iter().map(|(name, ..)| width(name)).max().unwrap_or(0);
    let lanes = rows.iter().map(|(_, lane, _)| width(lane)).max().unwrap_or(0);
    let mut out = String::new();
    for (name, lane, summary) in rows {
        let line = match names_only {
            true => (*name).to_owned(),
            false => format!("{name:names$}  {lane:lanes$}  {summary}"),
        };
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::render;

    const ROWS: &[(&str, &str, &str)] = &[
        ("prompt.submit", "inline", "Start a turn."),
        ("complete.path", "pool", "Complete a path."),
        ("x", "pool", ""),
    ];

    #[test]
    fn a_table_is_aligned() {
        let expected = "prompt.submit  inline  Start a turn.\n\
                        complete.path  pool    Complete a path.\n\
                        x              pool\n";
        assert_eq!(render(ROWS, false), expected);
        assert_eq!(render(&[], false), "");
    }

    #[test]
    fn names_stand_alone() {
        assert_eq!(render(ROWS, true), "prompt.submit\ncomplete.path\nx\n");
    }
}
