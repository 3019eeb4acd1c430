//! What SQLite says is wrong, for people.

use rusqlite::{Error, ErrorCode, ffi};

use crate::model::store::StoreError;

/// How the sentence begins that says a file is broken.
const DAMAGED: &str = "the database is damaged";

/// Whether another program is in the way.
pub(super) fn is_busy(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Whether the file is broken. The code decides, not the words: "malformed JSON" is a value's fault, not the
/// file's.
pub(super) fn is_malformed(error: &Error) -> bool {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => true,
        // Constraints of tables say which one. A full-text index that refuses a row does not, and is broken.
        Some(ErrorCode::ConstraintViolation) => {
            error.sqlite_extended_error_code() == Some(ffi::SQLITE_CONSTRAINT)
        }
        _ => false,
    }
}

/// Whether a record asks for what the tables do not allow, such as a title that is taken. Trying it again
/// would change nothing.
pub(super) fn is_refused(error: &Error) -> bool {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => !is_malformed(error),
        Some(ErrorCode::TooBig | ErrorCode::TypeMismatch) => true,
        Some(_) => false,
        // Not SQLite's: a value in the file of a type that cannot be read.
        None => true,
    }
}

/// Whether an error says that the file is broken.
pub(super) fn is_damage(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(why) if why.starts_with(DAMAGED))
}

/// The error as others see it.
pub(super) fn failure(error: Error) -> StoreError {
    if is_malformed(&error) {
        return StoreError::Unavailable(format!("{DAMAGED}: {error}"));
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StoreError::Unavailable("another program keeps the database locked".to_owned())
        }
        Some(ErrorCode::DiskFull) => StoreError::Unavailable("the disk is full".to_owned()),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            StoreError::Unavailable("the database may not be written".to_owned())
        }
        Some(ErrorCode::CannotOpen) => StoreError::Unavailable("the database cannot be opened".to_owned()),
        Some(ErrorCode::SystemIoFailure) => {
            StoreError::Unavailable(format!("the database cannot be read or written: {error}"))
        }
        _ => StoreError::Failed(error.to_string()),
    }
}
