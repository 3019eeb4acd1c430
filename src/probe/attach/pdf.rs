//! Pages of a PDF as images, drawn by `pdftoppm` of the poppler tools in a folder of its own.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::store::{self, WorkDir};
use super::{Around, decode, image, name, said};
use crate::base::mask::mask;
use crate::model::attach::{Attached, Page, PageRange, PdfJob, Refused};
use crate::probe::dropped;
use crate::shell::program::{self, Bounds, Ended, Keep};

/// The program that draws.
const RENDERER: &str = "pdftoppm";

/// Bytes of a PDF, as in the original.
const BYTES_MAX: u64 = 50 << 20;

/// Pages of one call, as in the original.
const PAGES_MAX: i64 = 25;

/// How long drawing may take, as in the original.
const PATIENCE: Duration = Duration::from_secs(120);

/// Dots per inch, as in the original: a page of A4 has some 1240 by 1750.
const DPI: &str = "150";

/// How every PDF begins.
const MAGIC: &[u8] = b"%PDF-";

/// What bytes without a name are called, as in the original.
const NAMELESS: &str = "uploaded.pdf";

/// Bytes kept of the renderer's complaints, lines of them that are told, and characters of each.
const COMPLAINT_BYTES: usize = 8 << 10;
const COMPLAINT_LINES: usize = 3;
const COMPLAINT_CHARS: usize = 200;

/// Draws the pages and keeps them, in order.
///
/// # Errors
/// There is no renderer, no such PDF, no such range of pages; or the renderer fails or takes too long. What
/// was drawn before a page that could not be kept stays.
pub(super) fn draw(job: &PdfJob, around: Around<'_>) -> Result<Attached, Refused> {
    let renderer = program::find(RENDERER, around.programs)
        .ok_or_else(|| said(Refused::Failed, "pdftoppm not installed (poppler-utils package required)"))?;
    let source = Source::of(job, around)?;
    let (first, last) = checked(job.pages)?;
    let system = |error: io::Error| Refused::Failed(error.to_string());
    store::make_dir(around.images).map_err(system)?;
    let work = WorkDir::new(around.images).map_err(system)?;
    let (filename, input) = match source {
        Source::File { path, filename } => (filename, path),
        Source::Bytes { bytes, filename } => {
            let name = |_| "input.pdf".to_owned();
            (filename, store::keep(work.path(), name, bytes.as_slice(), BYTES_MAX).map_err(system)?)
        }
    };
    let mut command = Command::new(renderer);
    command.args(["-png", "-r", DPI, "-f", &first.to_string(), "-l", &last.to_string()]);
    command.arg(&input).arg(work.path().join("page"));
    let until = Instant::now() + PATIENCE;
    let bounds = Bounds { until, stdout: Keep::Nothing, stderr: Keep::Tail(COMPLAINT_BYTES) };
    match program::run(command, &bounds) {
        Ok(ended) if ended.success() => {}
        Ok(ended) => return Err(Refused::Failed(complaint(&ended))),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            let seconds = PATIENCE.as_secs();
            return Err(Refused::Failed(format!("pdftoppm timed out (>{seconds}s)")));
        }
        Err(error) => return Err(Refused::Failed(format!("pdftoppm failed: {error}"))),
    }
    let drawn = drawings(work.path()).map_err(system)?;
    if drawn.is_empty() {
        return Err(said(Refused::Failed, "pdftoppm produced no pages (corrupt PDF?)"));
    }
    let keep = |(number, path): (u32, PathBuf)| -> io::Result<Page> {
        let stem = format!("pdf_p{number}_{}", around.stamp());
        let image = image::keep(around.images, &stem, ".png", File::open(path)?)?;
        Ok(Page { number, image })
    };
    let pages: io::Result<Vec<Page>> = drawn.into_iter().map(keep).collect();
    Ok(Attached::Pages { filename, pages: pages.map_err(system)? })
}

/// The PDF and what it is called.
enum Source {
    File { path: PathBuf, filename: String },
    Bytes { bytes: Vec<u8>, filename: String },
}

impl Source {
    /// Bytes that came along win over a path, as in the original.
    fn of(job: &PdfJob, around: Around<'_>) -> Result<Self, Refused> {
        let most = BYTES_MAX >> 20;
        if !job.data.is_empty() {
            let bytes = decode(payload(&job.data))
                .ok_or_else(|| said(Refused::Content, "data is not valid base64"))?;
            let count = bytes.len() as u64;
            if bytes.is_empty() {
                return Err(said(Refused::Content, "decoded PDF is empty"));
            }
            if count > BYTES_MAX {
                return Err(Refused::Size(format!("PDF too large ({count} bytes; cap is {most} MB)")));
            }
            if !bytes.starts_with(MAGIC) {
                let text = "payload is not a PDF (missing %PDF- magic bytes)";
                return Err(said(Refused::Content, text));
            }
            let filename = if job.filename.trim().is_empty() { NAMELESS } else { job.filename.as_str() };
            return Ok(Source::Bytes { bytes, filename: name::clean(filename) });
        }
        let wanted = job.path.trim();
        if wanted.is_empty() {
            return Err(said(Refused::Parameter, "path or content_base64 required"));
        }
        let Some(path) = dropped::whole(wanted, around.places(&job.cwd)) else {
            let shown: String = wanted.chars().take(dropped::SHOWN_CHARS).collect();
            return Err(Refused::Path(format!("PDF not found: {shown}")));
        };
        let filename = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("pdf")) {
            return Err(Refused::Path(format!("not a PDF: {filename}")));
        }
        if path.metadata().is_ok_and(|found| found.len() > BYTES_MAX) {
            return Err(Refused::Size(format!("PDF too large; cap is {most} MB")));
        }
        Ok(Source::File { path, filename })
    }
}

/// The base64 of a data URL of a PDF; else all of it. The original does not know data URLs here.
fn payload(data: &str) -> &str {
    data.trim_start().strip_prefix("data:application/pdf;base64,").unwrap_or(data)
}

/// The first and the last page; the renderer reads 32-bit numbers.
fn checked(pages: Option<PageRange>) -> Result<(i32, i32), Refused> {
    let parameter = |text: &str| said(Refused::Parameter, text);
    let Some(PageRange { first, last }) = pages else {
        return Err(parameter("first_page/last_page must be integers"));
    };
    let last = last.unwrap_or_else(|| first.saturating_add(PAGES_MAX - 1));
    if first < 1 {
        return Err(parameter("first_page must be >= 1"));
    }
    if last < first {
        return Err(parameter("last_page must be >= first_page"));
    }
    if last - first >= PAGES_MAX {
        return Err(Refused::Pages(format!("page range exceeds cap of {PAGES_MAX} pages per attach call")));
    }
    match (i32::try_from(first), i32::try_from(last)) {
        (Ok(first), Ok(last)) => Ok((first, last)),
        _ => Err(parameter("first_page/last_page are beyond the end of any PDF")),
    }
}

/// The last lines of what the renderer said.
fn complaint(ended: &Ended) -> String {
    let text = String::from_utf8_lossy(&ended.stderr.bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines.iter().skip(lines.len().saturating_sub(COMPLAINT_LINES));
    let shown: Vec<String> = last.map(|line| line.chars().take(COMPLAINT_CHARS).collect()).collect();
    format!("pdftoppm failed: {}", mask(&shown.join(" | ")))
}

/// What was drawn, by page: `page-<number>.png`, with zeros in front or not. At most as many as were asked
/// for.
fn drawings(dir: &Path) -> io::Result<Vec<(u32, PathBuf)>> {
    let mut drawn = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let number = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_prefix("page-")?.strip_suffix(".png")?.parse::<u32>().ok());
        drawn.extend(number.map(|number| (number, path)));
    }
    drawn.sort_unstable();
    drawn.truncate(PAGES_MAX as usize);
    Ok(drawn)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{AT, around, program};
    use super::*;
    use crate::base::scratch::Scratch;

    /// A job for a path, of the pages that are usual.
    fn job(home: &Scratch, path: &str) -> PdfJob {
        let pages = Some(PageRange { first: 1, last: None });
        let (data, filename) = (String::new(), String::new());
        PdfJob { path: path.to_owned(), cwd: home.path().to_owned(), data, filename, pages }
    }

    /// What comes of a job, with this script for a renderer.
    fn drawn(home: &Scratch, script: &str, job: &PdfJob) -> Result<Attached, Refused> {
        let bin = home.dir("bin");
        program(&bin, RENDERER, script);
        draw(job, around(home, Some(bin.as_os_str())))
    }

    #[test]
    fn without_a_renderer_nothing_else_is_looked_at() {
        let home = Scratch::new();
        let missing = Refused::Failed("pdftoppm not installed (poppler-utils package required)".to_owned());
        assert_eq!(draw(&job(&home, ""), around(&home, None)), Err(missing));
    }

    #[test]
    fn pages_are_kept_in_order_and_the_work_is_tidied_up() {
        let home = Scratch::new();
        home.write("spec.PDF", "%PDF-");
        // The last argument is where the pages go.
        let script = r#"for out; do :; done; for n in 10 9 8; do echo "$*" >"$out-$n.png"; done; echo x >&2"#;
        let pages = Some(PageRange { first: 8, last: Some(10) });
        let Ok(Attached::Pages { filename, pages }) =
            drawn(&home, script, &PdfJob { pages, ..job(&home, "'spec.PDF'") })
        else {
            panic!("not drawn")
        };
        assert_eq!(filename, "spec.PDF");
        assert_eq!(pages.iter().map(|page| page.number).collect::<Vec<_>>(), [8, 9, 10]);
        let first = home.path().join(format!("pdf_p8_{AT}_1.png"));
        assert_eq!(pages[0].image.path, first);
        let args = fs::read_to_string(first).unwrap();
        let wanted = format!("-png -r 150 -f 8 -l 10 {}", home.path().join("spec.PDF").display());
        assert!(args.starts_with(&wanted), "{args}");
        let left: Vec<_> =
            fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().starts_with(".work")), "{left:?}");
    }

    #[test]
    fn bytes_that_came_along_are_checked() {
        let home = Scratch::new();
        let with = |data: &str, filename: &str| {
            let job =
                PdfJob { data: data.to_owned(), filename: filename.to_owned(), ..job(&home, "none.pdf") };
            let script = r#"for out; do in="$last"; last="$out"; done; cp "$in" "$out-01.png""#;
            drawn(&home, script, &job)
        };
        let content = |text: &str| Err(Refused::Content(text.to_owned()));
        assert_eq!(with("%", ""), content("data is not valid base64"));
        assert_eq!(with(" ", ""), content("decoded PDF is empty"));
        assert_eq!(with("Zg==", ""), content("payload is not a PDF (missing %PDF- magic bytes)"));
        for (filename, want) in [("", NAMELESS), ("../a\n.pdf", "a_.pdf")] {
            let Ok(Attached::Pages { filename, pages }) = with("JVBERi0=", filename) else {
                panic!("not drawn")
            };
            assert_eq!((filename.as_str(), pages.len(), pages[0].number), (want, 1, 1));
            assert_eq!(fs::read(&pages[0].image.path).unwrap(), MAGIC);
        }
    }

    #[test]
    fn what_cannot_be_drawn_says_why() {
        let home = Scratch::new();
        home.write("a.pdf", "%PDF-");
        home.write("a.txt", "");
        let failed = |text: &str| Err(Refused::Failed(text.to_owned()));
        let complaining = "printf 'one\\n\\n two\\nthree\\nfour\\n' >&2; exit 1";
        assert_eq!(
            drawn(&home, complaining, &job(&home, "a.pdf")),
            failed("pdftoppm failed: two | three | four")
        );
        let nothing = failed("pdftoppm produced no pages (corrupt PDF?)");
        assert_eq!(drawn(&home, "exit 0", &job(&home, "a.pdf")), nothing);
        let path = |text: &str| Err(Refused::Path(text.to_owned()));
        assert_eq!(drawn(&home, "exit 0", &job(&home, "b.pdf")), path("PDF not found: b.pdf"));
        assert_eq!(drawn(&home, "exit 0", &job(&home, "a.txt")), path("not a PDF: a.txt"));
        let required = Err(Refused::Parameter("path or content_base64 required".to_owned()));
        assert_eq!(drawn(&home, "exit 0", &job(&home, " ")), required);
    }

    #[test]
    fn ranges_are_checked() {
        let range = |first, last| checked(Some(PageRange { first, last }));
        assert_eq!(range(1, None), Ok((1, 25)));
        assert_eq!(range(3, Some(3)), Ok((3, 3)));
        assert!(matches!(checked(None), Err(Refused::Parameter(_))));
        assert!(matches!(range(-1, None), Err(Refused::Parameter(_))));
        assert!(matches!(range(2, Some(1)), Err(Refused::Parameter(_))));
        assert!(matches!(range(1, Some(26)), Err(Refused::Pages(_))));
        assert!(matches!(range(1, Some(i64::MAX)), Err(Refused::Pages(_))));
        assert!(matches!(range(i64::MAX, None), Err(Refused::Parameter(_))));
    }
}
