//! How a client names a checkpoint: by its number in the list, or by its id. What it wrote is only ever held
//! against the list, and never given to git.

use super::store::Row;
use crate::model::checkpoint::CheckpointError;

/// Digits of an id, or of its beginning (the original's).
const ID_DIGITS: std::ops::RangeInclusive<usize> = 4..=64;

/// The row that is meant. `rows` is the list as clients see it, newest first.
///
/// # Errors
/// There is none, or it is not clear which.
pub(super) fn find<'a>(rows: &'a [Row], written: &str) -> Result<&'a Row, CheckpointError> {
    let written = written.trim();
    let by_number = written.parse::<i64>().ok();
    if let Some(number) = by_number
        && let Some(at) = usize::try_from(number).ok().and_then(|number| number.checked_sub(1))
        && let Some(row) = rows.get(at)
    {
        return Ok(row);
    }
    let found = by_id(rows, &written.to_ascii_lowercase());
    match (by_number, found) {
        // The original cannot be given the beginning of an id that has only decimal digits.
        (_, Ok(row)) => Ok(row),
        (Some(_), Err(_)) => Err(CheckpointError::Number { count: rows.len() }),
        (None, Err(error)) => Err(error),
    }
}

fn by_id<'a>(rows: &'a [Row], id: &str) -> Result<&'a Row, CheckpointError> {
    if !ID_DIGITS.contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(CheckpointError::Malformed);
    }
    if rows.is_empty() {
        return Err(CheckpointError::Nothing);
    }
    let mut fitting = rows.iter().filter(|row| row.checkpoint.id.starts_with(id));
    match (fitting.next(), fitting.next()) {
        (Some(row), None) => Ok(row),
        (Some(_), Some(_)) => Err(CheckpointError::Ambiguous(id.to_owned())),
        (None, _) => Err(CheckpointError::Unknown(id.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::checkpoint::Checkpoint;

    fn rows(ids: &[&str]) -> Vec<Row> {
        let row = |id: &&str| Row {
            checkpoint: Checkpoint { id: (*id).to_owned(), at: String::new(), reason: String::new() },
            tree: String::new(),
        };
        ids.iter().map(row).collect()
    }

    fn found(ids: &[&str], written: &str) -> Result<String, CheckpointError> {
        find(&rows(ids), written).map(|row| row.checkpoint.id.clone())
    }

    #[test]
    fn numbers_count_from_the_newest() {
        let ids = ["aaaa1", "bbbb2"];
        assert_eq!([found(&ids, "1"), found(&ids, " 2 ")], [Ok("aaaa1".into()), Ok("bbbb2".into())]);
        for wrong in ["0", "3", "-1", "99", "12345"] {
            assert_eq!(found(&ids, wrong), Err(CheckpointError::Number { count: 2 }), "{wrong}");
        }
        assert_eq!(found(&[], "1"), Err(CheckpointError::Number { count: 0 }));
    }

    #[test]
    fn ids_may_be_shortened_while_they_are_clear() {
        let ids = ["12345a", "abcd01", "abcd02"];
        assert_eq!(found(&ids, "ABCD01"), Ok("abcd01".into()));
        assert_eq!(found(&ids, "12345"), Ok("12345a".into()));
        assert_eq!(found(&ids, "abcd"), Err(CheckpointError::Ambiguous("abcd".into())));
        assert_eq!(found(&ids, "ffff"), Err(CheckpointError::Unknown("ffff".into())));
        assert_eq!(found(&[], "ffff"), Err(CheckpointError::Nothing));
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for wrong in ["abc", "HEAD", "--all", "abcd~1", &"a".repeat(65)] {
            assert_eq!(found(&["abcd01"], wrong), Err(CheckpointError::Malformed), "{wrong}");
        }
    }
}
