//! The thinking of one answer as its server wants it back: block by block, each with its signature. Owns how
//! much of it is kept. Pure.

use crate::model::message::Thought;

/// Most blocks of an answer. Models think once or a few times; what comes after is not kept.
const BLOCKS_MAX: usize = 128;

/// The blocks so far, with their indices.
#[derive(Default, Debug)]
pub(in crate::agent) struct Thoughts {
    blocks: Vec<(u64, Thought)>,
    bytes: usize,
}

impl Thoughts {
    /// More text of the block with this index, which begins with it if it is new.
    pub(in crate::agent) fn think(&mut self, index: u64, more: &str) {
        if let Some((text, _)) = self.signed(index) {
            text.push_str(more);
            self.bytes += more.len();
        }
    }

    /// More of the signature of that block.
    pub(in crate::agent) fn sign(&mut self, index: u64, more: &str) {
        if let Some((_, signature)) = self.signed(index) {
            signature.push_str(more);
            self.bytes += more.len();
        }
    }

    /// A block that nobody is shown.
    pub(in crate::agent) fn redact(&mut self, index: u64, data: &str) {
        if self.blocks.len() < BLOCKS_MAX {
            self.blocks.push((index, Thought::Redacted { data: data.to_owned() }));
            self.bytes += data.len();
        }
    }

    /// Bytes of all of it.
    pub(in crate::agent) fn bytes(&self) -> usize {
        self.bytes
    }

    /// What can be sent back: a server does not take a thought whose signature is missing.
    pub(in crate::agent) fn collect(&self) -> Vec<Thought> {
        let is_signed = |thought: &&Thought| match thought {
            Thought::Signed { signature, .. } => !signature.is_empty(),
            Thought::Redacted { .. } => true,
        };
        self.blocks.iter().map(|(_, thought)| thought).filter(is_signed).cloned().collect()
    }

    /// Text and signature of the block with this index, made if need be; `None` when there are too many.
    fn signed(&mut self, index: u64) -> Option<(&mut String, &mut String)> {
        let is_it =
            |(known, thought): &(u64, Thought)| *known == index && matches!(thought, Thought::Signed { .. });
        let at = match self.blocks.iter().rposition(is_it) {
            Some(at) => at,
            None if self.blocks.len() == BLOCKS_MAX => return None,
            None => {
                let thought = Thought::Signed { text: String::new(), signature: String::new() };
                self.blocks.push((index, thought));
                self.blocks.len() - 1
            }
        };
        match self.blocks.get_mut(at) {
            Some((_, Thought::Signed { text, signature })) => Some((text, signature)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_kept_as_it_came() {
        let mut thoughts = Thoughts::default();
        thoughts.think(0, " a");
        thoughts.think(0, "b ");
        thoughts.sign(0, "si");
        thoughts.sign(0, "g");
        thoughts.redact(1, "dark");
        thoughts.think(2, "unsigned");
        let signed = Thought::Signed { text: " ab ".into(), signature: "sig".into() };
        assert_eq!(thoughts.collect(), [signed, Thought::Redacted { data: "dark".into() }]);
        assert_eq!(thoughts.bytes(), 4 + 3 + 4 + 8);
    }

    #[test]
    fn there_is_an_end_to_how_many() {
        let mut thoughts = Thoughts::default();
        (0..BLOCKS_MAX as u64 + 9).for_each(|index| thoughts.sign(index, "s"));
        thoughts.redact(0, "x");
        assert_eq!(thoughts.collect().len(), BLOCKS_MAX);
    }
}
