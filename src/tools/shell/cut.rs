//! Cutting text by characters, and text of which only the newest part is kept. Pure; knows nothing of
//! processes.

/// The first `count` characters.
pub(super) fn first_chars(text: &str, count: usize) -> &str {
    let end = text.char_indices().nth(count).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}

/// The last `count` characters.
pub(super) fn last_chars(text: &str, count: usize) -> &str {
    let Some(before) = count.checked_sub(1) else { return "" };
    let start = text.char_indices().nth_back(before).map_or(0, |(at, _)| at);
    text.get(start..).unwrap_or_default()
}

/// The newest characters of a text that grows.
#[derive(Debug)]
pub(super) struct Newest {
    text: String,
    /// Characters of `text`: up to half of `max` more than `max`, so that not every piece moves the rest.
    chars: usize,
    max: usize,
    was_cut: bool,
}

impl Newest {
    /// Keeps `max` characters.
    pub(super) fn new(max: usize) -> Self {
        Self { text: String::new(), chars: 0, max, was_cut: false }
    }

    /// Appends `piece`. The memory stays below 4 bytes for each of one and a half times `max` characters, and
    /// the piece.
    pub(super) fn push(&mut self, piece: &str) {
        self.text.push_str(piece);
        self.chars += piece.chars().count();
        if self.chars > self.max + self.max / 2 {
            let kept = last_chars(&self.text, self.max).len();
            self.text.drain(..self.text.len() - kept);
            self.chars = self.max;
            self.was_cut = true;
        }
    }

    /// At most the newest `max` characters.
    pub(super) fn as_str(&self) -> &str {
        last_chars(&self.text, self.max)
    }

    /// Whether older text was let go.
    pub(super) fn is_cut(&self) -> bool {
        self.was_cut || self.chars > self.max
    }

    /// The same from the start of a line on, if the text before it was let go.
    pub(super) fn whole_lines(&self) -> &str {
        let text = self.as_str();
        if !self.was_cut && self.chars <= self.max {
            return text;
        }
        text.split_once('\n').map_or(text, |(_, rest)| rest)
    }

    /// Bytes of memory in use.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.text.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_between_characters() {
        let text = "aé😀b";
        for (count, first, last) in [(0, "", ""), (2, "aé", "😀b"), (4, text, text), (9, text, text)] {
            assert_eq!((first_chars(text, count), last_chars(text, count)), (first, last), "{count}");
        }
        assert_eq!((first_chars("", 3), last_chars("", 3)), ("", ""));
    }

    #[test]
    fn only_the_newest_stays() {
        let mut newest = Newest::new(10);
        for number in 0..1000 {
            newest.push(&format!("é{number}\n"));
            assert!(newest.chars <= 15 && newest.as_str().chars().count() <= 10);
        }
        assert_eq!(newest.as_str(), "é998\né999\n");
        assert_eq!(newest.whole_lines(), "é999\n", "the first line may be half a one");
        assert!(newest.capacity() < 200, "{}", newest.capacity());
    }

    #[test]
    fn short_text_is_whole() {
        let mut newest = Newest::new(10);
        newest.push("a\nb");
        assert_eq!((newest.as_str(), newest.whole_lines()), ("a\nb", "a\nb"));
    }
}
