//! Making attachments ready: images that are found, sent, pasted or drawn from a PDF, and files put where the
//! agent may read them. Owns the bounds of their sizes and the folders they are kept in; does not know the
//! session that they are for, nor what a client is told of them.

mod clipboard;
mod file;
mod image;
mod name;
mod pdf;
mod store;
#[cfg(test)]
mod testing;

use std::ffi::OsStr;
use std::path::Path;

use jiff::civil::DateTime;

use super::dropped::Places;
use crate::base::base64;
use crate::model::attach::{AttachJob, Attached, Refused};

/// What is around a job.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// Where images are kept; made when it is missing.
    pub images: &'a Path,
    /// For `~`.
    pub user_home: Option<&'a Path>,
    /// For `$NAME`.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Where programs are, as in `PATH`.
    pub programs: Option<&'a OsStr>,
    /// The local time, for names of files.
    pub at: DateTime,
}

impl<'a> Around<'a> {
    fn places(&self, cwd: &'a Path) -> Places<'a> {
        Places { cwd, user_home: self.user_home, env: self.env }
    }

    /// The time as names have it: `yyyymmdd_HHMMSS`.
    fn stamp(&self) -> String {
        self.at.strftime("%Y%m%d_%H%M%S").to_string()
    }
}

/// Does the job. May take two minutes, for a PDF.
///
/// # Errors
/// Whatever is wrong with what was asked for, or with the disk.
pub fn attach(job: &AttachJob, around: Around<'_>) -> Result<Attached, Refused> {
    match job {
        AttachJob::Image { text, cwd } => image::find(text, around.places(cwd)),
        AttachJob::ImageBytes { data, filename, ext } => image::store(data, filename, ext, around),
        AttachJob::Clipboard => clipboard::paste(around),
        AttachJob::Pdf(job) => pdf::draw(job, around),
        AttachJob::File(job) => file::place(job, around),
    }
}

/// The bytes of base64 with any white space in it.
fn decode(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    base64::decode(&digits)
}

/// A refusal without figures in it.
fn said(refused: fn(String) -> Refused, text: &str) -> Refused {
    refused(text.to_owned())
}
