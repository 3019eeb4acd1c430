//! The image in the clipboard of this machine, asked of whichever program of the desktop is there.

use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::Around;
use super::image::{self, BYTES_MAX, PNG};
use crate::model::attach::{Attached, Clip, Refused};
use crate::shell::program::{self, Bounds, Keep};

/// For all programs together: somebody has pressed a key and waits.
const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of the list of types that a clipboard offers.
const TYPES_BYTES_MAX: usize = 64 << 10;

/// A program that knows the clipboard.
struct Way {
    program: &'static str,
    /// What makes it list the types on offer; empty where it cannot.
    types: &'static [&'static str],
    /// What makes it print the image as PNG.
    image: &'static [&'static str],
}

/// Wayland, X11, macOS. One that belongs to another desktop fails at once.
const WAYS: [Way; 3] = [
    Way { program: "wl-paste", types: &["--list-types"], image: &["--type", "image/png"] },
    Way {
        program: "xclip",
        types: &["-selection", "clipboard", "-t", "TARGETS", "-o"],
        image: &["-selection", "clipboard", "-t", "image/png", "-o"],
    },
    Way { program: "pngpaste", types: &[], image: &["-"] },
];

/// Keeps the clipboard's image. That there is none is no error, nor that no program is there to ask.
///
/// # Errors
/// The disk refuses.
pub(super) fn paste(around: Around<'_>) -> Result<Attached, Refused> {
    let until = Instant::now() + PATIENCE;
    let mut clip = Clip::Empty;
    for way in &WAYS {
        let Some(program) = program::find(way.program, around.programs) else { continue };
        match way.ask(&program, until) {
            Offer::Image(bytes) => {
                let stem = format!("clip_{}", around.stamp());
                let kept = image::keep(around.images, &stem, ".png", bytes.as_slice());
                let image =
                    kept.map_err(|error| Refused::Failed(format!("clipboard unavailable: {error}")))?;
                return Ok(Attached::Clipboard(Clip::Image(image)));
            }
            Offer::Unreadable => clip = Clip::Unreadable,
            Offer::Nothing => {}
        }
    }
    Ok(Attached::Clipboard(clip))
}

/// What a clipboard offers.
enum Offer {
    /// The bytes of a PNG.
    Image(Vec<u8>),
    /// An image, but no PNG within the bound.
    Unreadable,
    Nothing,
}

impl Way {
    fn ask(&self, program: &Path, until: Instant) -> Offer {
        let lists = !self.types.is_empty();
        if lists {
            let types = said(program, self.types, TYPES_BYTES_MAX, until).unwrap_or_default();
            if !String::from_utf8_lossy(&types).lines().any(|line| line.trim().starts_with("image/")) {
                return Offer::Nothing;
            }
        }
        match said(program, self.image, BYTES_MAX, until) {
            Some(bytes) if bytes.starts_with(PNG) => Offer::Image(bytes),
            None if !lists => Offer::Nothing,
            _ => Offer::Unreadable,
        }
    }
}

/// All that the program prints, if it goes well.
fn said(program: &Path, args: &[&str], most: usize, until: Instant) -> Option<Vec<u8>> {
    let mut command = Command::new(program);
    command.args(args);
    match program::run(command, &Bounds { until, stdout: Keep::Head(most), stderr: Keep::Nothing }) {
        Ok(ended) => (ended.success() && ended.stdout.whole).then_some(ended.stdout.bytes),
        Err(error) => {
            if error.kind() != io::ErrorKind::TimedOut {
                log::debug!("cannot run {}: {error}", program.display());
            }
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{AT, around, program};
    use super::*;
    use crate::base::scratch::Scratch;
    use crate::model::attach::Image;

    /// What is found with these programs, which get a type or an action as their last word.
    fn found(home: &Scratch, programs: &[(&str, &str)]) -> Clip {
        let bin = home.dir("bin");
        for (name, script) in programs {
            program(&bin, name, script);
        }
        match paste(around(home, Some(bin.as_os_str()))) {
            Ok(Attached::Clipboard(clip)) => clip,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn nothing_is_found_without_programs_or_images() {
        assert_eq!(found(&Scratch::new(), &[]), Clip::Empty);
        assert_eq!(
            found(&Scratch::new(), &[("wl-paste", "echo text/plain"), ("xclip", "exit 1")]),
            Clip::Empty
        );
        assert_eq!(found(&Scratch::new(), &[("pngpaste", "exit 1")]), Clip::Empty);
    }

    #[test]
    fn the_image_is_kept() {
        let home = Scratch::new();
        let script = r#"case "$*" in *TARGETS*) echo TIMESTAMP; echo image/png;;
            *image/png*) printf '\211PNG\r\n\032\n';; *) exit 1;; esac"#;
        let path = home.path().join(format!("clip_{AT}_1.png"));
        let clip = found(&home, &[("wl-paste", "exit 1"), ("xclip", script)]);
        assert_eq!(clip, Clip::Image(Image { path: path.clone(), size: None }));
        assert_eq!(std::fs::read(path).unwrap(), PNG);
    }

    #[test]
    fn an_image_of_another_kind_is_told_apart() {
        let script = r#"case "$*" in --list-types) echo image/bmp;; *) printf BM;; esac"#;
        assert_eq!(found(&Scratch::new(), &[("wl-paste", script)]), Clip::Unreadable);
    }
}
