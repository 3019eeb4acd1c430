//! What a person attaches to a prompt: images, pages, files. Knows no protocol: which code answers a refusal
//! is its reader's.

use std::path::PathBuf;

/// Something to make ready.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AttachJob {
    /// An image that is there already.
    Image {
        /// Its path, perhaps with more text behind it.
        text: String,
        /// Where relative paths start.
        cwd: PathBuf,
    },
    /// An image whose bytes came along.
    ImageBytes {
        /// Base64, perhaps as a data URL.
        data: String,
        /// What it was called, for its extension; `""` when nobody said.
        filename: String,
        /// Its extension where there is no name; `""` when nobody said.
        ext: String,
    },
    /// The image in the clipboard of this machine.
    Clipboard,
    /// Pages of a PDF, drawn as images.
    Pdf(PdfJob),
    /// A file that the agent shall read.
    File(FileJob),
}

/// Pages of a PDF, by its path or its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PdfJob {
    /// Its path; looked at when there is no data.
    pub path: String,
    /// Where a relative path starts.
    pub cwd: PathBuf,
    /// Its bytes in base64; `""` when they did not come along.
    pub data: String,
    /// What the bytes are called; `""` when nobody said.
    pub filename: String,
    /// Which pages; `None` when what came is no number.
    pub pages: Option<PageRange>,
}

/// Pages as they were asked for, not checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PageRange {
    /// From 1.
    pub first: i64,
    /// The last one, itself included; `None` for as many as may be.
    pub last: Option<i64>,
}

/// A file, by its path or its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileJob {
    /// Its path, perhaps on another machine; `""` when nobody said.
    pub path: String,
    /// Its bytes as a data URL or in base64; `""` when they did not come along.
    pub data_url: String,
    /// What to call it; `""` when nobody said.
    pub name: String,
    /// The session's directory: where relative paths start, and what the agent may read.
    pub workspace: PathBuf,
}

/// What is ready.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Attached {
    /// An image that was there.
    Found {
        /// The image.
        image: Image,
        /// The text behind its path.
        remainder: String,
    },
    /// An image that came along.
    Stored {
        /// The image.
        image: Image,
        /// Its size in bytes.
        bytes: usize,
    },
    /// What the clipboard had.
    Clipboard(Clip),
    /// Pages of a PDF, in order.
    Pages {
        /// What the PDF is called.
        filename: String,
        /// At least one.
        pages: Vec<Page>,
    },
    /// A file inside the workspace.
    File {
        /// Where it is, absolute.
        path: PathBuf,
        /// The same, relative to the workspace.
        relative: String,
        /// Whether it was put there now.
        uploaded: bool,
    },
}

/// An image on disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Image {
    /// Where, absolute.
    pub path: PathBuf,
    /// Width and height in pixels, where they could be read.
    pub size: Option<(u32, u32)>,
}

/// What a clipboard had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Clip {
    /// An image, kept in a file.
    Image(Image),
    /// An image, but not one that could be had.
    Unreadable,
    /// No image.
    Empty,
}

/// A page that was drawn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// Its number in the PDF, from 1.
    pub number: u32,
    /// The drawing.
    pub image: Image,
}

/// Why nothing is attached, each with a sentence for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refused {
    /// A parameter is missing or makes no sense.
    Parameter(String),
    /// There is no such file, or it is of another kind.
    Path(String),
    /// What came along is not what it should be.
    Content(String),
    /// It is too large.
    Size(String),
    /// Too many pages.
    Pages(String),
    /// It could not be done.
    Failed(String),
}
