//! The images of a conversation as a request carries them: read when they are sent, bounded in size and
//! number, and left out once the server refused them. Knows nothing of how a request is written.

use std::borrow::Cow;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::failure::Failure;
use crate::base::base64;
use crate::model::message::Message;

/// Largest image, in bytes: what most of the large providers take at most.
const IMAGE_BYTES_MAX: u64 = 20 << 20;

/// Most images of a request, the newest; older ones are named in text. Each is sent with every call again.
const IMAGES_MAX: usize = 8;

/// What is asked of images without a word.
const QUESTION: &str = "What do these images show?";

/// The status of a request that is too large. Images are the most of one that has any.
const TOO_LARGE: u16 = 413;

/// Statuses of servers that do not take images, and words of which one stands in what they say.
const REFUSALS: [u16; 4] = [400, 404, 415, 422];
const REFUSAL_WORDS: [&str; 6] =
    ["image", "vision", "multimodal", "multi-modal", "content type", "content-type"];

/// The images of a turn's requests. They are kept from one request to the next, because the same bytes are
/// sent again.
#[derive(Default)]
pub(in crate::agent) struct Album {
    /// Files with their data URLs; `None` for what cannot be sent.
    pictures: Vec<(PathBuf, Option<String>)>,
    /// The server does not take images.
    is_refused: bool,
}

impl Album {
    /// Reads the newest images of this conversation, and lets go of others.
    pub(in crate::agent) fn open(&mut self, conversation: &[&[Message]]) {
        if self.is_refused {
            return;
        }
        let newest = newest(conversation);
        self.pictures.retain(|(path, _)| newest.contains(&path.as_path()));
        for path in newest {
            if self.pictures.iter().all(|(known, _)| known != path) {
                self.pictures.push((path.to_owned(), data_url(path)));
            }
        }
    }

    /// The image as a data URL, if it is sent.
    pub(in crate::agent) fn url(&self, path: &Path) -> Option<&str> {
        self.pictures.iter().find(|(known, _)| known == path)?.1.as_deref()
    }

    /// Whether any is sent.
    pub(super) fn is_shown(&self) -> bool {
        self.pictures.iter().any(|(_, url)| url.is_some())
    }

    /// From now on none is sent.
    pub(super) fn refuse(&mut self) {
        self.pictures.clear();
        self.is_refused = true;
    }
}

/// Whether the server says that it takes no images, or none so large. Asked only where some were sent.
pub(super) fn is_refusal(failure: &Failure) -> bool {
    let Failure::Refused { status, message, .. } = failure else { return false };
    if *status == TOO_LARGE {
        return true;
    }
    let message = message.to_lowercase();
    REFUSALS.contains(status) && REFUSAL_WORDS.iter().any(|word| message.contains(word))
}

/// The text that goes with these images: it names them, so that tools can find them.
pub(in crate::agent) fn described<'a>(text: &'a str, images: &[PathBuf]) -> Cow<'a, str> {
    let text = text.trim();
    if images.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut described = if text.is_empty() { QUESTION } else { text }.to_owned();
    described.push('\n');
    for path in images {
        described.push_str(&format!("\n[Image attached at: {}]", path.display()));
    }
    Cow::Owned(described)
}

fn newest<'m>(conversation: &[&'m [Message]]) -> Vec<&'m Path> {
    let mut paths: Vec<&'m Path> = Vec::new();
    for message in conversation.iter().rev().flat_map(|part| part.iter().rev()) {
        for path in message.images.iter().rev().map(PathBuf::as_path) {
            if paths.len() < IMAGES_MAX && !paths.contains(&path) {
                paths.push(path);
            }
        }
    }
    paths
}

/// An image of a kind that every model knows, as a data URL (RFC 2397).
fn data_url(path: &Path) -> Option<String> {
    let (kind, data) = picture(path)?;
    Some(format!("data:{kind};base64,{data}"))
}

/// The same in its two parts: the media type, and the bytes in base64.
pub(in crate::agent) fn picture(path: &Path) -> Option<(&'static str, String)> {
    let bytes = read(path)?;
    let kind = kind(&bytes)?;
    Some((kind, base64::encode(&bytes)))
}

/// A regular file that is not too large.
fn read(path: &Path) -> Option<Vec<u8>> {
    // A pipe would have to be waited for.
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(IMAGE_BYTES_MAX + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= IMAGE_BYTES_MAX).then_some(bytes)
}

/// The media type, by the bytes an image starts with: its name may say anything.
fn kind(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;
    use crate::model::message::Role;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

    fn with(images: Vec<PathBuf>) -> Message {
        Message { images, ..Message::new(Role::User, "look") }
    }

    fn picture(folder: &Scratch, name: &str, bytes: &[u8]) -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn images_are_told_by_their_bytes() {
        let folder = Scratch::new();
        let path = picture(&folder, "a.txt", PNG);
        assert_eq!(data_url(&path).as_deref(), Some("data:image/png;base64,iVBORw0KGgo="));
        for (bytes, expected) in [
            (b"\xff\xd8\xff\xe0".as_slice(), Some("image/jpeg")),
            (b"GIF89a", Some("image/gif")),
            (b"GIF88a", None),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"RIFF\0\0\0\0WAVE", None),
            (b"<svg/>", None),
            (b"", None),
        ] {
            assert_eq!(kind(bytes), expected, "{bytes:?}");
        }
        assert_eq!(data_url(folder.path()), None, "a folder is no image");
    }

    #[test]
    fn the_newest_are_sent_until_they_are_refused() {
        let folder = Scratch::new();
        let paths: Vec<PathBuf> =
            (0..=IMAGES_MAX).map(|number| picture(&folder, &number.to_string(), PNG)).collect();
        let (old, new) = ([with(paths[..4].to_vec())], [with(paths[4..].to_vec())]);
        let mut album = Album::default();
        album.open(&[&old, &new]);
        let sent: Vec<bool> = paths.iter().map(|path| album.url(path).is_some()).collect();
        assert!(!sent[0] && sent[1..].iter().all(|is_sent| *is_sent));
        album.refuse();
        album.open(&[&old, &new]);
        assert!(!album.is_shown() && album.url(&paths[8]).is_none());
    }

    #[test]
    fn the_text_names_the_files() {
        let images = [PathBuf::from("/a.png"), PathBuf::from("/b.png")];
        let expected = "see\n\n[Image attached at: /a.png]\n[Image attached at: /b.png]";
        assert_eq!(described(" see ", &images), expected);
        assert_eq!(described(" see ", &[]), "see");
        assert!(described("", &images[..1]).starts_with(QUESTION));
    }

    #[test]
    fn a_refusal_speaks_of_images() {
        let refused = |status, message: &str| {
            is_refusal(&Failure::Refused { status, message: message.into(), retry_after: None })
        };
        assert!(refused(400, "This model has no Vision") && refused(404, "no endpoint with image input"));
        assert!(refused(413, "Payload Too Large"));
        assert!(!refused(400, "bad temperature") && !refused(500, "image"));
        assert!(!is_refusal(&Failure::Broken("image".into())));
    }
}
