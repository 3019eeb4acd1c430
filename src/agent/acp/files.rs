//! The files that an agent reads and writes through us: `fs/*`. Owns the words of the protocol; which files,
//! and how they are replaced, is the business of [`crate::tools`].

use std::path::Path;

use serde_json::{Value, json};

use super::failure::{Fault, INTERNAL_ERROR, RESOURCE_NOT_FOUND};
use crate::tools::{Args, Call, Desk, Host, find, read_lines};

/// The answer to `fs/read_text_file`.
///
/// # Errors
/// The parameters are wrong, or the file cannot be read.
pub(super) fn read(desk: &Desk, params: &Value) -> Result<Value, Fault> {
    let path = path(params)?;
    // Version 1 counts from 1; some agents say 0 and mean the first.
    let first = number(params, "line")?.unwrap_or(1);
    let text = read_lines(desk, path, first, number(params, "limit")?)?;
    let text = text.ok_or_else(|| Fault::new(RESOURCE_NOT_FOUND, format!("There is no file {path}.")))?;
    Ok(json!({ "content": text }))
}

/// The answer to `fs/write_text_file`. It is our `write_file` that writes, with its rules: it asks nobody,
/// and refuses what is not a tool's to change.
///
/// # Errors
/// The parameters are wrong, or the file cannot be written.
pub(super) fn write(desk: &Desk, host: &dyn Host, params: &Value) -> Result<Value, Fault> {
    let path = path(params)?;
    let content = params.get("content").and_then(Value::as_str);
    let content = content.ok_or_else(|| Fault::params("content has to be a string"))?;
    let missing = || Fault::new(INTERNAL_ERROR, "Files cannot be written here.");
    let tool = find("write_file").ok_or_else(missing)?;
    let args = json!({ "path": path, "content": content }).to_string();
    let args = Args::parse(&args).ok_or_else(missing)?;
    (tool.run)(&Call { args: &args, desk, host })?;
    Ok(json!({}))
}

fn path(params: &Value) -> Result<&str, Fault> {
    let path = params.get("path").and_then(Value::as_str).filter(|path| Path::new(path).is_absolute());
    path.ok_or_else(|| Fault::params("path has to be an absolute path"))
}

fn number(params: &Value, name: &str) -> Result<Option<u64>, Fault> {
    match params.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64() {
            Some(number) => Ok(Some(number)),
            None => Err(Fault::params(&format!("{name} has to be a whole number"))),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::base::scratch::Scratch;
    use crate::model::ask::{Answer, Ask};

    struct Alone;

    impl Host for Alone {
        fn interrupted(&self) -> bool {
            false
        }

        fn interrupt_flag(&self) -> Arc<AtomicBool> {
            Arc::default()
        }

        fn ask(&self, _question: Ask) -> Answer {
            Answer::Cancelled
        }

        fn status(&self, _kind: &'static str, _text: String) {}
    }

    fn room() -> (Scratch, Desk) {
        let scratch = Scratch::new();
        let desk = Desk::new("key", &scratch.dir("home"), &scratch.dir("work"), &Arc::default());
        (scratch, desk)
    }

    #[test]
    fn what_is_written_is_read_again() {
        let (scratch, desk) = room();
        let path = scratch.path().join("work/new/f").display().to_string();
        let read =
            |line: Value, limit: Value| read(&desk, &json!({"path": path, "line": line, "limit": limit}));
        assert_eq!(read(Value::Null, Value::Null).unwrap_err().code, RESOURCE_NOT_FOUND);
        let written = write(&desk, &Alone, &json!({"path": path, "content": "one\ntwo\nthree"}));
        assert_eq!(written, Ok(json!({})));
        assert_eq!(read(Value::Null, Value::Null), Ok(json!({"content": "one\ntwo\nthree"})));
        assert_eq!(read(json!(2), json!(1)), Ok(json!({"content": "two\n"})));
        assert_eq!(read(json!(0), json!(1)), Ok(json!({"content": "one\n"})));
    }

    #[test]
    fn other_places_and_wrong_parameters_are_refused() {
        let (scratch, desk) = room();
        let config = scratch.path().join("home/config.yaml").display().to_string();
        for path in ["f", "", "/etc/tui-gateway-test", config.as_str()] {
            assert!(write(&desk, &Alone, &json!({"path": path, "content": "x"})).is_err(), "{path}");
        }
        assert!(write(&desk, &Alone, &json!({"path": "/tmp/x"})).is_err());
        assert!(read(&desk, &json!({"path": "f"})).is_err() && read(&desk, &json!({})).is_err());
        assert!(read(&desk, &json!({"path": "/f", "line": -1})).is_err());
    }
}
