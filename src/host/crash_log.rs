//! What a host wrote of its own crash: the original appends tracebacks to a file in its home, and little of them
//! reaches its stderr. Read when it has ended, on a thread of its own; shows no secret. Knows no host: other
//! processes of the same home write there, too, and what is told is what came while this one ran.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::OFlags;

use super::errors::lines;
use crate::limits::{HOST_CRASH_BYTES_MAX, HOST_CRASH_LINES_MAX};

/// Where the original has it, below its home.
const FILE: &str = "logs/tui_gateway_crash.log";

/// The file, for all hosts of one command.
#[derive(Debug)]
pub(super) struct CrashLog {
    path: Option<PathBuf>,
    /// How far it was told: what one host's end told is not told again with the next one's.
    told: Mutex<Option<Mark>>,
}

/// The file while one host runs.
pub(super) struct Watch {
    log: Arc<CrashLog>,
    begin: Option<Mark>,
}

/// A place in a file.
#[derive(Clone, Copy, Debug)]
struct Mark {
    /// Its device and inode: after a rotation the path names another.
    file: (u64, u64),
    at: u64,
}

impl CrashLog {
    /// The file in this home; without a home there is none.
    pub(super) fn new(home: Option<&Path>) -> Arc<Self> {
        Arc::new(Self { path: home.map(|home| home.join(FILE)), told: Mutex::default() })
    }

    /// A host is about to begin. May wait for the disk.
    pub(super) fn watch(self: &Arc<Self>) -> Watch {
        let known = self.path.as_ref().and_then(|path| fs::symlink_metadata(path).ok());
        Watch { log: Arc::clone(self), begin: known.filter(Metadata::is_file).map(|known| Mark::end(&known)) }
    }
}

impl Watch {
    /// The last lines of what was appended since, oldest first; none where there is no such file, or what has its
    /// name is none. May wait for the disk.
    pub(super) fn appended(&self) -> Vec<String> {
        let Some(path) = &self.log.path else { return Vec::new() };
        let mut told = self.log.told.lock().unwrap_or_else(PoisonError::into_inner);
        match tail(path, [self.begin, *told]) {
            Ok((lines, end)) => {
                *told = Some(end);
                lines
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                log::debug!("cannot read {}: {error}", path.display());
                Vec::new()
            }
        }
    }
}

impl Mark {
    fn end(known: &Metadata) -> Self {
        Self { file: (known.dev(), known.ino()), at: known.len() }
    }
}

/// What stands behind the farthest of these places, and where it ends.
fn tail(path: &Path, known: [Option<Mark>; 2]) -> io::Result<(Vec<String>, Mark)> {
    let mut file = open(path)?;
    let end = Mark::end(&file.metadata()?);
    // In another file, or in one that became shorter, all of it is new.
    let same = known.iter().flatten().filter(|mark| mark.file == end.file && mark.at <= end.at);
    let from = same.map(|mark| mark.at).max().unwrap_or(0);
    let start = from.max(end.at.saturating_sub(HOST_CRASH_BYTES_MAX as u64));
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(end.at - start).read_to_end(&mut bytes)?;
    let whole = match bytes.iter().position(|byte| *byte == b'\n') {
        _ if start == from => &bytes[..],
        // A secret may have lost its beginning where the file was cut, and is not known for one then.
        Some(at) => bytes.get(at..).unwrap_or_default(),
        None => &[],
    };
    let mut lines = lines(whole);
    lines.drain(..lines.len().saturating_sub(HOST_CRASH_LINES_MAX));
    Ok((lines, end))
}

/// Opens nothing but a regular file, and waits for no writer of a pipe.
fn open(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let is_file = |known: Metadata| match known.is_file() {
        true => Ok(()),
        false => Err(io::Error::other("it is no regular file")),
    };
    // A look first: the opening of a device may do something.
    is_file(fs::symlink_metadata(path)?)?;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    is_file(file.metadata()?)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::mask::register_secret;
    use crate::base::scratch::Scratch;
    use std::io::Write;

    struct Home(Scratch);

    impl Home {
        fn new() -> Self {
            let home = Self(Scratch::new());
            fs::create_dir(home.path("logs")).unwrap();
            home
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn file(&self) -> PathBuf {
            self.path(FILE)
        }

        fn append(&self, text: &str) {
            let mut file = OpenOptions::new().append(true).create(true).open(self.file()).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }

        fn log(&self) -> Arc<CrashLog> {
            CrashLog::new(Some(self.0.path()))
        }
    }

    #[test]
    fn what_was_appended_is_told_once() {
        let home = Home::new();
        let log = home.log();
        let absent = log.watch();
        assert_eq!(absent.appended(), [""; 0], "there is none");
        home.append("of another time\n");
        let (first, second) = (log.watch(), log.watch());
        home.append("\n=== unhandled exception · now ===\nTypeError: x\n");
        assert_eq!(first.appended(), ["=== unhandled exception · now ===", "TypeError: x"]);
        home.append("more");
        assert_eq!(second.appended(), ["more"], "the first lines were told with the first");
        assert_eq!(CrashLog::new(None).watch().appended(), [""; 0]);
    }

    #[test]
    fn a_file_that_was_rotated_or_emptied_is_new() {
        let home = Home::new();
        home.append("a long text of another time\n");
        let (rotated, emptied) = (home.log().watch(), home.log().watch());
        fs::rename(home.file(), home.path("logs/old")).unwrap();
        home.append("new\n");
        assert_eq!(rotated.appended(), ["new"]);
        fs::remove_file(home.file()).unwrap();
        fs::rename(home.path("logs/old"), home.file()).unwrap();
        fs::write(home.file(), "short\n").unwrap();
        assert_eq!(emptied.appended(), ["short"]);
    }

    #[test]
    fn of_much_the_end_is_told_and_no_half_of_a_secret() {
        register_secret("c4n4ry-of-a-crash");
        let home = Home::new();
        let watch = home.log().watch();
        let tail = format!("last c4n4ry-of-a-crash\n{}", "x\n".repeat(HOST_CRASH_LINES_MAX - 1));
        let lead = HOST_CRASH_BYTES_MAX - 4 - tail.len() - "c4n4ry-of-a-crash".len();
        home.append(&"y".repeat(HOST_CRASH_BYTES_MAX));
        // The cut goes through the first of the two.
        home.append(&format!("c4n4ry-of-a-crash{}\n{tail}", "z".repeat(lead + 14)));
        let lines = watch.appended();
        assert_eq!((lines.len(), lines[0].as_str()), (HOST_CRASH_LINES_MAX, "last ***"));
        home.append(&"w".repeat(HOST_CRASH_BYTES_MAX + 1));
        assert_eq!(watch.appended(), [""; 0], "one line that is too long has no beginning");
    }

    #[test]
    fn nothing_but_a_regular_file_is_read() {
        let home = Home::new();
        let watch = home.log().watch();
        fs::write(home.path("secret"), "of somebody else\n").unwrap();
        std::os::unix::fs::symlink(home.path("secret"), home.file()).unwrap();
        assert_eq!(watch.appended(), [""; 0]);
        fs::remove_file(home.file()).unwrap();
        let made = std::process::Command::new("mkfifo").arg(home.file()).status().unwrap();
        assert!(made.success());
        assert_eq!(watch.appended(), [""; 0], "who opens a pipe waits for whoever writes to it");
        fs::remove_file(home.file()).unwrap();
        fs::create_dir(home.file()).unwrap();
        assert_eq!(watch.appended(), [""; 0]);
    }
}
