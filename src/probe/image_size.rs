//! Width and height of an image from its first bytes: PNG, JPEG, GIF, BMP, WebP. Decodes nothing and reads
//! a few hundred bytes at most.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes in which every format but JPEG says its size.
const HEAD: usize = 30;
/// Segments of a JPEG before its frame: real files have a dozen, with large profiles some fifty.
const MAX_SEGMENTS: usize = 512;

/// Width and height in pixels as stored (a camera's rotation is not applied); `None` when the file cannot
/// be read or is none of these formats.
pub(super) fn read(path: &Path) -> Option<(u32, u32)> {
    measure(&mut BufReader::with_capacity(512, File::open(path).ok()?))
}

fn measure(file: &mut (impl Read + Seek)) -> Option<(u32, u32)> {
    let mut head = Vec::with_capacity(HEAD);
    file.take(HEAD as u64).read_to_end(&mut head).ok()?;
    let size = if head.starts_with(b"\x89PNG\r\n\x1a\n") {
        (head.get(12..16)? == b"IHDR").then_some((u32_be(&head, 16)?, u32_be(&head, 20)?))
    } else if head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a") {
        Some((u16_le(&head, 6)?, u16_le(&head, 8)?))
    } else if head.starts_with(b"BM") {
        bmp(&head)
    } else if head.starts_with(b"RIFF") && head.get(8..12)? == b"WEBP" {
        webp(&head)
    } else if head.starts_with(b"\xff\xd8") {
        file.seek(SeekFrom::Start(2)).ok()?;
        jpeg(file)
    } else {
        None
    };
    size.filter(|&(width, height)| width > 0 && height > 0)
}

/// The old header has 16-bit sizes; in the new one a negative height means top-down rows.
fn bmp(head: &[u8]) -> Option<(u32, u32)> {
    if u32_le(head, 14)? == 12 {
        return Some((u16_le(head, 18)?, u16_le(head, 20)?));
    }
    let (width, height) = (u32_le(head, 18)?.cast_signed(), u32_le(head, 22)?.cast_signed());
    Some((u32::try_from(width).ok()?, height.unsigned_abs()))
}

/// Three kinds of first chunk: lossy, lossless and extended.
fn webp(head: &[u8]) -> Option<(u32, u32)> {
    match head.get(12..16)? {
        b"VP8 " if head.get(23..26)? == b"\x9d\x01\x2a" => {
            // The two upper bits are a scale.
            Some((u16_le(head, 26)? & 0x3fff, u16_le(head, 28)? & 0x3fff))
        }
        b"VP8L" if head.get(20)? == &0x2f => {
            let bits = u32_le(head, 21)?;
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        // 24-bit numbers, one less than the size.
        b"VP8X" => Some(((u32_le(head, 24)? & 0xff_ffff) + 1, (u32_le(head, 26)? >> 8) + 1)),
        _ => None,
    }
}

/// Steps from segment to segment until a frame header.
fn jpeg(file: &mut (impl Read + Seek)) -> Option<(u32, u32)> {
    for _ in 0..MAX_SEGMENTS {
        let [start, mut marker] = bytes::<2>(file)?;
        if start != 0xff {
            return None;
        }
        // Any number of fill bytes may stand before a marker; a few are enough.
        for _ in 0..MAX_SEGMENTS {
            if marker != 0xff {
                break;
            }
            [marker] = bytes::<1>(file)?;
        }
        match marker {
            // Markers without a body.
            0x01 | 0xd0..=0xd7 => continue,
            // Frame headers; C4, C8 and CC in their midst are tables.
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                let [_, _, _, h1, h2, w1, w2] = bytes::<7>(file)?;
                return Some((u16::from_be_bytes([w1, w2]).into(), u16::from_be_bytes([h1, h2]).into()));
            }
            // The end, or pixels before any frame.
            0xd9 | 0xda => return None,
            _ => {
                let length = u16::from_be_bytes(bytes::<2>(file)?);
                file.seek_relative(i64::from(length.checked_sub(2)?)).ok()?;
            }
        }
    }
    None
}

fn bytes<const N: usize>(file: &mut impl Read) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

fn four(head: &[u8], at: usize) -> Option<[u8; 4]> {
    head.get(at..at + 4)?.try_into().ok()
}

fn u32_be(head: &[u8], at: usize) -> Option<u32> {
    four(head, at).map(u32::from_be_bytes)
}

fn u32_le(head: &[u8], at: usize) -> Option<u32> {
    four(head, at).map(u32::from_le_bytes)
}

fn u16_le(head: &[u8], at: usize) -> Option<u32> {
    let pair: [u8; 2] = head.get(at..at + 2)?.try_into().ok()?;
    Some(u16::from_le_bytes(pair).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn size(parts: &[&[u8]]) -> Option<(u32, u32)> {
        measure(&mut Cursor::new(parts.concat()))
    }

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

    #[test]
    fn simple_formats() {
        assert_eq!(size(&[PNG, &1024u32.to_be_bytes(), &600u32.to_be_bytes()]), Some((1024, 600)));
        assert_eq!(size(&[PNG, &1024u32.to_be_bytes()]), None);
        assert_eq!(size(&[PNG, &[0; 8]]), None, "no image is empty");
        assert_eq!(size(&[b"GIF87a", &[2, 1, 3, 0]]), Some((258, 3)));
        assert_eq!(
            size(&[b"BM", &[0; 12], &40u32.to_le_bytes(), &7i32.to_le_bytes(), &(-9i32).to_le_bytes()]),
            Some((7, 9))
        );
        assert_eq!(
            size(&[b"BM", &[0; 12], &40u32.to_le_bytes(), &(-7i32).to_le_bytes(), &9i32.to_le_bytes()]),
            None
        );
        assert_eq!(size(&[b"BM", &[0; 12], &12u32.to_le_bytes(), &[7, 0, 9, 0]]), Some((7, 9)));
        assert_eq!(size(&[b"II*\0", &[0; 40]]), None);
        assert_eq!(size(&[b""]), None);
    }

    #[test]
    fn webp_has_three_kinds() {
        let riff = b"RIFF\0\0\0\0WEBP";
        assert_eq!(
            size(&[riff, b"VP8 \0\0\0\0\0\0\0\x9d\x01\x2a", &[0x40, 0x41, 0xf0, 0x00]]),
            Some((320, 240))
        );
        let bits = (639u32 | (479 << 14)).to_le_bytes();
        assert_eq!(size(&[riff, b"VP8L\0\0\0\0\x2f", &bits]), Some((640, 480)));
        assert_eq!(size(&[riff, b"VP8X", &[0; 8], &[0xff, 0x03, 0, 0x57, 0x02, 0]]), Some((1024, 600)));
        assert_eq!(size(&[riff, b"VP9 ", &[0; 20]]), None);
    }

    #[test]
    fn jpeg_frames_are_found_behind_other_segments() {
        let app = [&b"\xff\xe1\x40\x00"[..], &[0xc0; 0x3ffe]].concat();
        let frame = b"\xff\xff\xc2\x00\x11\x08\x02\x58\x04\x00";
        assert_eq!(size(&[b"\xff\xd8", &app, &app, b"\xff\xc4\x00\x03\x00", frame]), Some((1024, 600)));
        assert_eq!(size(&[b"\xff\xd8", &app, b"\xff\xda", frame]), None);
        assert_eq!(size(&[b"\xff\xd8\xff\xe1\x00\x01", frame]), None, "a length below its own two bytes");
        let endless: Vec<u8> = b"\xff\xe1\x00\x02".repeat(MAX_SEGMENTS + 1);
        assert_eq!(size(&[b"\xff\xd8", &endless, frame]), None);
    }

    proptest! {
        #[test]
        fn never_panics(start in 0..6usize, rest in proptest::collection::vec(any::<u8>(), 0..80)) {
            let starts: [&[u8]; 6] = [PNG, b"GIF89a", b"BM", b"RIFF\0\0\0\0WEBPVP8X", b"\xff\xd8\xff", b""];
            size(&[starts[start], &rest]);
        }
    }
}
