//! What a file is, by its first bytes. Pure; knows nothing of names.

/// What can be made of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Lines of text.
    Text,
    /// A picture, in the format of this name.
    Image(&'static str),
    /// Anything else.
    Binary,
}

/// Beginnings of pictures, by their formats' specifications.
const IMAGES: &[(&[u8], &str)] = &[
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
];

/// The same behind four bytes that hold a length.
const IMAGES_IN_BOXES: &[(&[u8], &str)] =
    &[(b"ftypavif", "AVIF"), (b"ftypheic", "HEIC"), (b"ftypmif1", "HEIF")];

/// What a file with these first bytes is. A NUL makes it binary, as for grep.
pub(super) fn of(head: &[u8]) -> Kind {
    if let Some((_, format)) = IMAGES.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Kind::Image(format);
    }
    let boxed = head.get(4..).unwrap_or_default();
    if let Some((_, format)) = IMAGES_IN_BOXES.iter().find(|(magic, _)| boxed.starts_with(magic)) {
        return Kind::Image(format);
    }
    if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        return Kind::Image("WebP");
    }
    let has_nul = head.contains(&0);
    match has_nul {
        // Two letters alone could begin a text.
        true if head.starts_with(b"BM") => Kind::Image("BMP"),
        true => Kind::Binary,
        false => Kind::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_first_bytes() {
        for (head, want) in [
            (&b""[..], Kind::Text),
            (b"BM is a text", Kind::Text),
            (b"caf\xe9", Kind::Text),
            (b"BM\x10\0", Kind::Image("BMP")),
            (b"\x89PNG\r\n\x1a\n\0", Kind::Image("PNG")),
            (b"RIFF\x01\0\0\0WEBPVP8", Kind::Image("WebP")),
            (b"\0\0\0\x20ftypavif", Kind::Image("AVIF")),
            (b"\x7fELF\0", Kind::Binary),
            (b"RIFF", Kind::Text),
        ] {
            assert_eq!(of(head), want, "{head:?}");
        }
    }
}
