//! `<home>/auth.json`, where the original keeps logins: what it says of a provider is forgotten, everything
//! else stays.

use std::io::ErrorKind;

use serde_json::{Map, Value};

use super::read_file;
use crate::config::Home;
use crate::config::file::replace;

/// The file.
const NAME: &str = "auth.json";

/// Bytes of it that are read: it holds a few tokens for each provider.
const BYTES_MAX: u64 = 4 << 20;

/// Members that hold something for each provider.
const BY_PROVIDER: [&str; 2] = ["providers", "credential_pool"];

/// The member that names the provider in use.
const ACTIVE: &str = "active_provider";

/// Removes what is kept of a provider. Gives whether there was anything; a file that cannot be read as what
/// it should be has nothing.
///
/// # Errors
/// Why it cannot be read or written, for people.
pub(super) fn forget(home: &Home, id: &str) -> Result<bool, String> {
    let file = home.dir().join(NAME);
    let bytes = match read_file(&file, BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(format!("{NAME} cannot be read: {error}")),
    };
    let Ok(mut all) = serde_json::from_slice::<Map<String, Value>>(&bytes) else { return Ok(false) };
    let mut is_changed = false;
    for member in BY_PROVIDER {
        let kept = all.get_mut(member).and_then(Value::as_object_mut);
        is_changed |= kept.is_some_and(|kept| kept.shift_remove(id).is_some());
    }
    if all.get(ACTIVE).and_then(Value::as_str) == Some(id) {
        all.insert(ACTIVE.to_owned(), Value::Null);
        is_changed = true;
    }
    if is_changed {
        let text = serde_json::to_string_pretty(&all).map_err(|error| error.to_string())?;
        replace(&file, &text).map_err(|error| format!("{NAME} cannot be changed: {error}"))?;
    }
    Ok(is_changed)
}
