//! Images for the next prompt: one that is on disk, and one that came as bytes.

use std::io;
use std::path::Path;

use super::{Around, decode, name, said, store};
use crate::model::attach::{Attached, Image, Refused};
use crate::probe::dropped::{self, IMAGES, Places};
use crate::probe::image_size;

/// Bytes of an image that came along, as in the original.
pub(super) const BYTES_MAX: usize = 25 << 20;

/// Characters of an unknown extension that are repeated.
const EXT_SHOWN_CHARS: usize = 32;

/// How a PNG begins.
pub(super) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// What an image is taken for that says nothing of itself.
const EXT_DEFAULT: &str = ".png";

/// The image at the start of `text`. What is in it is not looked at: the model's provider does.
///
/// # Errors
/// There is no such file, or its extension is none of an image.
pub(super) fn find(text: &str, places: Places<'_>) -> Result<Attached, Refused> {
    let found =
        dropped::named(text, places).map_err(|token| Refused::Path(format!("image not found: {token}")))?;
    if !found.is_image {
        let name = found.path.file_name().unwrap_or_default().to_string_lossy();
        return Err(Refused::Path(format!("unsupported image: {name}")));
    }
    let image = Image { path: found.path, size: found.size };
    Ok(Attached::Found { image, remainder: found.remainder })
}

/// Keeps an image that came as base64.
///
/// # Errors
/// It is not base64, empty or too large, its extension is none of an image, or the disk refuses.
pub(super) fn store(data: &str, filename: &str, ext: &str, around: Around<'_>) -> Result<Attached, Refused> {
    let bytes = decode(payload(data)).ok_or_else(|| said(Refused::Content, "data is not valid base64"))?;
    if bytes.is_empty() {
        return Err(said(Refused::Content, "image is empty"));
    }
    let (count, most) = (bytes.len(), BYTES_MAX >> 20);
    if count > BYTES_MAX {
        return Err(Refused::Size(format!("image too large ({count} bytes; cap is {most} MB)")));
    }
    let ext = extension(filename, ext, &bytes)?;
    let stem = format!("upload_{}", around.stamp());
    let image = keep(around.images, &stem, &ext, bytes.as_slice())
        .map_err(|error| Refused::Failed(format!("write failed: {error}")))?;
    Ok(Attached::Stored { image, bytes: count })
}

/// Keeps an image as `<stem>_<n><ext>`.
///
/// # Errors
/// It is too large, or the disk refuses.
pub(super) fn keep(dir: &Path, stem: &str, ext: &str, from: impl io::Read) -> io::Result<Image> {
    store::make_dir(dir)?;
    let path = store::keep(dir, |number| format!("{stem}_{number}{ext}"), from, BYTES_MAX as u64)?;
    let size = image_size::read(&path);
    Ok(Image { path, size })
}

/// The base64 of a data URL of an image, in the one spelling that clients use; else all of it.
fn payload(data: &str) -> &str {
    let data = data.trim_start();
    let is_subtype = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte))
    };
    let url = data.strip_prefix("data:image/").and_then(|rest| rest.split_once(";base64,"));
    url.filter(|(subtype, _)| is_subtype(subtype)).map_or(data, |(_, payload)| payload)
}

/// The name's extension; without a name the one that was given; else what the bytes look like. A name without
/// an extension makes the given one count for nothing, as in the original.
fn extension(filename: &str, ext: &str, bytes: &[u8]) -> Result<String, Refused> {
    let cleaned = name::clean(filename);
    let wanted = match filename.trim() {
        "" => ext.trim().trim_start_matches('.'),
        _ => Path::new(&cleaned).extension().and_then(|ext| ext.to_str()).unwrap_or_default(),
    };
    if wanted.is_empty() {
        return Ok(sniffed(bytes).to_owned());
    }
    match IMAGES.iter().find(|image| image.eq_ignore_ascii_case(wanted)) {
        Some(image) => Ok(format!(".{image}")),
        None => {
            let shown: String = wanted.to_lowercase().chars().take(EXT_SHOWN_CHARS).collect();
            Err(Refused::Path(format!("unsupported image extension: .{shown}")))
        }
    }
}

fn sniffed(bytes: &[u8]) -> &'static str {
    let starts: [(&[u8], &str); 5] =
        [(PNG, ".png"), (b"\xff\xd8\xff", ".jpg"), (b"GIF87a", ".gif"), (b"GIF89a", ".gif"), (b"BM", ".bmp")];
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return ".webp";
    }
    starts.iter().find(|(start, _)| bytes.starts_with(start)).map_or(EXT_DEFAULT, |&(_, ext)| ext)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{AT, around};
    use super::*;
    use crate::base::scratch::Scratch;

    #[test]
    fn an_image_is_found_by_its_extension() {
        let dir = Scratch::new();
        dir.write("a.png", "anything");
        dir.write("a.txt", "");
        let find = |text: &str| find(text, around(&dir, None).places(dir.path()));
        let image = Image { path: dir.path().join("a.png"), size: None };
        assert_eq!(find("a.png what?"), Ok(Attached::Found { image, remainder: "what?".to_owned() }));
        assert_eq!(find("a.txt"), Err(Refused::Path("unsupported image: a.txt".to_owned())));
        assert_eq!(find("b.png x"), Err(Refused::Path("image not found: b.png".to_owned())));
    }

    #[test]
    fn bytes_are_checked_and_kept() {
        let home = Scratch::new();
        let put = |data: &str, filename: &str, ext: &str| store(data, filename, ext, around(&home, None));
        let path = |ext: &str, number: u32| home.path().join(format!("upload_{AT}_{number}{ext}"));
        let gif = "R0lGODlh\nQAHw AA==";
        let Ok(Attached::Stored { image, bytes }) = put(gif, "", "") else { panic!("not kept") };
        assert_eq!((image, bytes), (Image { path: path(".gif", 1), size: Some((320, 240)) }, 10));
        let Ok(Attached::Stored { image, .. }) = put(&format!(" data:image/gif;base64,{gif}"), "", "") else {
            panic!("not kept")
        };
        assert_eq!(image.path, path(".gif", 2));
        let content = |text: &str| Err(Refused::Content(text.to_owned()));
        assert_eq!(put("Zg=", "", ""), content("data is not valid base64"));
        assert_eq!(put("data:text/plain;base64,Zg==", "", ""), content("data is not valid base64"));
        assert_eq!(put(" \n", "", ""), content("image is empty"));
        let refused = put("Zg==", "x.XYZ", "png");
        assert_eq!(refused, Err(Refused::Path("unsupported image extension: .xyz".to_owned())));
    }

    #[test]
    fn the_extension_is_one_of_an_image() {
        let ext = |filename: &str, ext: &str, bytes: &[u8]| extension(filename, ext, bytes).ok();
        assert_eq!(ext("../x.JPEG", "png", b"").as_deref(), Some(".jpeg"));
        assert_eq!(ext("", ".Png", b"GIF89a").as_deref(), Some(".png"));
        assert_eq!(ext("shot", "xyz", b"\xff\xd8\xff").as_deref(), Some(".jpg"));
        assert_eq!(ext("", "", b"RIFF\0\0\0\0WEBP").as_deref(), Some(".webp"));
        assert_eq!(ext("", "", b"?").as_deref(), Some(".png"));
        assert_eq!(ext("", "../../x", b""), None);
        assert_eq!(ext("a.png/../../b.sh", "", b""), None);
    }
}
