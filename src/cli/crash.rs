//! The crash record: what ended, or nearly ended, the process, appended to a file that outlives it. Never
//! fails itself: whatever goes wrong here is ignored, because something worse is being reported.

use std::backtrace::Backtrace;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{self, PanicHookInfo};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::log::one_line;
use crate::base::mask::mask;
use crate::config::Home;

/// Only the owner may read it.
const FILE_MODE: u32 = 0o600;
/// Bytes of one record's body that are kept.
const BODY_MAX: usize = 64 * 1024;
/// Records one process writes. The file is never rotated, and a fault that repeats says nothing new.
const RECORDS_MAX: usize = 200;

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Banner<'a> {
    /// The loop's thread panicked.
    Unhandled,
    /// The thread of this name panicked.
    Thread(&'a str),
    /// A signal such as `SIGTERM` asked the process to end.
    Signal(&'a str),
    /// The process ends for this reason.
    Exit(&'a str),
    /// A turn of this session could not be handed out.
    Turn(&'a str),
}

static RECORDS: AtomicUsize = AtomicUsize::new(0);

/// Appends a record to `<home>/logs/tui_gateway_crash.log`, which is created on demand. Secrets are masked.
pub fn record(home: &Path, banner: Banner<'_>, body: &str) {
    if RECORDS.fetch_add(1, Ordering::Relaxed) >= RECORDS_MAX {
        return;
    }
    let time = jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S").to_string();
    // Nobody is left to tell.
    let _ = append(&Home::at(home).crash_log(), &render(banner, &time, body));
}

/// From now on every panic leaves a record and a line on stderr. The thread that calls this is the one
/// whose panic ends the process; those of others are said to be theirs.
pub fn install_panic_hook(home: &Path) {
    let home = home.to_owned();
    let main = thread::current().id();
    panic::set_hook(Box::new(move |info| {
        let current = thread::current();
        let name = current.name().unwrap_or("unnamed");
        let other = (current.id() != main).then_some(name);
        let banner = other.map_or(Banner::Unhandled, Banner::Thread);
        let message = info.payload_as_str().unwrap_or_default();
        record(&home, banner, &traceback(info, message));
        // `eprintln!` would panic on a closed stderr, inside a panic.
        let _ = writeln!(io::stderr(), "{}", stderr_line(other, message));
    }));
}

fn traceback(info: &PanicHookInfo<'_>, message: &str) -> String {
    let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    format!("panic at {place}: {message}\n{}", Backtrace::force_capture())
}

/// `[gateway-crash] …` for the loop's thread, or for another of this name.
fn stderr_line(other: Option<&str>, message: &str) -> String {
    let first = message.lines().next().filter(|line| !line.trim().is_empty()).unwrap_or("panic");
    let first = mask(first);
    match other {
        Some(name) => format!("[gateway-crash] thread {} raised panic: {}", one_line(name), one_line(&first)),
        None => format!("[gateway-crash] panic: {}", one_line(&first)),
    }
}

/// An empty line, the banner, the body.
fn render(banner: Banner<'_>, time: &str, body: &str) -> String {
    let (what, detail) = match banner {
        Banner::Unhandled => ("unhandled exception".to_owned(), None),
        Banner::Thread(name) => ("thread exception".to_owned(), Some(format!("thread={name}"))),
        Banner::Signal(name) => (format!("{name} received"), None),
        Banner::Exit(reason) => ("gateway exit".to_owned(), Some(format!("reason={reason}"))),
        Banner::Turn(sid) => ("turn-dispatcher exception".to_owned(), Some(format!("sid={sid}"))),
    };
    let detail = detail.map_or(String::new(), |detail| format!(" · {detail}"));
    let banner = mask(&format!("=== {what} · {time}{detail} ===")).into_owned();
    // Masked before it is cut: half a secret is not recognised any more.
    let body = mask(body.trim_end());
    let body = &body[..body.floor_char_boundary(BODY_MAX)];
    let end = if body.is_empty() { "" } else { "\n" };
    format!("\n{}\n{body}{end}", one_line(&banner))
}

fn append(path: &Path, text: &str) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let mut file = OpenOptions::new().append(true).create(true).mode(FILE_MODE).open(path)?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{BODY_MAX, Banner, record, render, stderr_line};

    const TIME: &str = "2026-01-02 03:04:05";

    #[test]
    fn banners_are_those_of_the_original() {
        let banner = |banner| render(banner, TIME, "").trim().to_owned();
        assert_eq!(banner(Banner::Unhandled), "=== unhandled exception · 2026-01-02 03:04:05 ===");
        assert_eq!(
            banner(Banner::Thread("agent-1")),
            "=== thread exception · 2026-01-02 03:04:05 · thread=agent-1 ==="
        );
        assert_eq!(banner(Banner::Signal("SIGTERM")), "=== SIGTERM received · 2026-01-02 03:04:05 ===");
        assert_eq!(
            banner(Banner::Exit("stdin EOF")),
            "=== gateway exit · 2026-01-02 03:04:05 · reason=stdin EOF ==="
        );
        assert_eq!(
            banner(Banner::Turn("0c0ffee1")),
            "=== turn-dispatcher exception · 2026-01-02 03:04:05 · sid=0c0ffee1 ==="
        );
    }

    #[test]
    fn a_record_is_an_empty_line_a_banner_a_body() {
        let text = render(Banner::Unhandled, TIME, "line one\nline two\n\n");
        assert_eq!(text, "\n=== unhandled exception · 2026-01-02 03:04:05 ===\nline one\nline two\n");
    }

    #[test]
    fn a_body_is_masked_and_cut() {
        let text = render(Banner::Exit("token=canary\nx"), TIME, "Bearer canary");
        assert!(!text.contains("canary") && text.contains("reason=token=*** x ==="), "{text}");
        assert!(render(Banner::Unhandled, TIME, &"é".repeat(BODY_MAX)).len() < BODY_MAX + 100);
    }

    #[test]
    fn stderr_gets_the_first_line() {
        assert_eq!(stderr_line(None, "boom\nmore"), "[gateway-crash] panic: boom");
        assert_eq!(stderr_line(None, ""), "[gateway-crash] panic: panic");
        assert_eq!(
            stderr_line(Some("agent-1"), "key sk-canary\nmore"),
            "[gateway-crash] thread agent-1 raised panic: key ***"
        );
    }

    #[test]
    fn records_are_appended_and_failures_ignored() {
        let home = std::env::temp_dir().join(format!("tui-gateway-crash-{}", std::process::id()));
        record(&home, Banner::Exit("one"), "");
        record(&home, Banner::Exit("two"), "body");
        let text = fs::read_to_string(home.join("logs/tui_gateway_crash.log")).unwrap();
        fs::remove_dir_all(&home).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 5, "{text}");
        assert!(lines[1].ends_with("· reason=one ===") && lines[3].ends_with("· reason=two ==="), "{text}");
        record(std::path::Path::new("/dev/null"), Banner::Unhandled, "nowhere");
    }
}
