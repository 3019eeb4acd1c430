//! What the agent of another program lets a person choose in a session, and the commands it takes as prompts.
//! Plain data; knows neither who asks the agent nor how.

/// What is on offer. Empty where the agent offers nothing, or has not been asked yet.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Menu {
    /// Ways to work, such as to plan only.
    pub modes: Choices,
    /// Models.
    pub models: Choices,
    /// Commands: a prompt that begins with a slash and one of these names. The id is the name.
    pub commands: Vec<Offer>,
}

/// Things of which one holds.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Choices {
    /// The id of the one that holds.
    pub current: String,
    /// All of them.
    pub all: Vec<Offer>,
}

/// Something to choose.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Offer {
    /// What the agent calls it.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it is, in a sentence; may be empty.
    pub about: String,
}

/// What is chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pick {
    /// A way to work.
    Mode,
    /// A model.
    Model,
}

impl Menu {
    /// The choices of this kind.
    pub fn choices(&self, pick: Pick) -> &Choices {
        match pick {
            Pick::Mode => &self.modes,
            Pick::Model => &self.models,
        }
    }

    /// The same, to be changed.
    pub fn choices_mut(&mut self, pick: Pick) -> &mut Choices {
        match pick {
            Pick::Mode => &mut self.modes,
            Pick::Model => &mut self.models,
        }
    }
}

impl Choices {
    /// The one that a word means: its id, else its id or its name whatever the case.
    pub fn find(&self, word: &str) -> Option<&Offer> {
        let exact = self.all.iter().find(|offer| offer.id == word);
        exact.or_else(|| {
            let is_meant = |text: &str| text.to_lowercase() == word.to_lowercase();
            self.all.iter().find(|offer| is_meant(&offer.id) || is_meant(&offer.name))
        })
    }
}

impl Pick {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Pick::Mode => "mode",
            Pick::Model => "model",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_goes_before_a_name() {
        let offer = |id: &str, name: &str| Offer { id: id.into(), name: name.into(), about: String::new() };
        let all = vec![offer("a", "plan"), offer("plan", "Plan"), offer("B", "Big One")];
        let choices = Choices { current: "a".into(), all };
        let found = |word: &str| choices.find(word).map(|offer| offer.id.as_str());
        assert_eq!([found("plan"), found("b"), found("big one")], [Some("plan"), Some("B"), Some("B")]);
        assert_eq!([found("PLAN"), found("c"), found("")], [Some("a"), None, None]);
    }
}
