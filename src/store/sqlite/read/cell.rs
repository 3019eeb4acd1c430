//! The value of a column, whatever its type: SQLite holds a column to none, and the file is written by
//! others.

use rusqlite::Row;
use rusqlite::types::ValueRef;

/// The text of a column; numbers in decimal, `None` for NULL.
pub(super) fn text(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<String>> {
    Ok(match row.get_ref(index)? {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    })
}

/// The time in a column, in seconds since 1970. Infinity is none: it has no JSON.
pub(super) fn time(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<f64>> {
    Ok(match row.get_ref(index)? {
        ValueRef::Real(number) => Some(number).filter(|number| number.is_finite()),
        // Exact up to 2^53, which is far off.
        ValueRef::Integer(number) => Some(number as f64),
        _ => None,
    })
}

/// The number in a column; `None` where another type stands.
pub(super) fn number(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<i64>> {
    Ok(match row.get_ref(index)? {
        ValueRef::Integer(number) => Some(number),
        _ => None,
    })
}

/// The count in a column; 0 where there is none or a negative one.
pub(super) fn count(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    Ok(match row.get_ref(index)? {
        ValueRef::Integer(number) => u64::try_from(number).unwrap_or(0),
        _ => 0,
    })
}

/// Whether a condition holds; NULL does not.
pub(super) fn flag(row: &Row<'_>, index: usize) -> rusqlite::Result<bool> {
    Ok(matches!(row.get_ref(index)?, ValueRef::Integer(number) if number != 0))
}
