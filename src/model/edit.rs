//! Changes of the settings' file: what should stand where. How a file is changed is `config`'s business.

/// One change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edit {
    /// The keys on the way to the place, the outermost first; not empty.
    pub path: Vec<&'static str>,
    /// What becomes of it.
    pub change: Change,
}

/// What becomes of a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// It has this value; mappings on the way are made.
    Set(Scalar),
    /// The list there has this text too; the list is made if there is none.
    Append(String),
    /// The list there has this text no more, if it had it.
    Without(String),
    /// This becomes of the place to which these keys lead from there: keys that no code knows beforehand.
    Below(Vec<String>, Box<Change>),
    /// It is gone, if it was there.
    Remove,
}

impl Change {
    /// A text is in a list, or is not.
    pub fn listed(text: String, is_in: bool) -> Self {
        if is_in { Change::Append(text) } else { Change::Without(text) }
    }
}

/// A value without parts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scalar {
    /// A text.
    Text(String),
    /// True or false.
    Flag(bool),
    /// A number, as JSON spells it.
    Number(String),
}

impl Edit {
    /// A text at this place.
    pub fn text(path: &[&'static str], text: impl Into<String>) -> Self {
        Self { path: path.to_vec(), change: Change::Set(Scalar::Text(text.into())) }
    }

    /// A flag at this place.
    pub fn flag(path: &[&'static str], on: bool) -> Self {
        Self { path: path.to_vec(), change: Change::Set(Scalar::Flag(on)) }
    }

    /// A text in the list at this place, or not in it.
    pub fn listed(path: &[&'static str], text: impl Into<String>, is_in: bool) -> Self {
        Self { path: path.to_vec(), change: Change::listed(text.into(), is_in) }
    }

    /// All keys on the way, and what becomes of the place they lead to.
    pub fn place(&self) -> (Vec<&str>, &Change) {
        let (mut path, mut change): (Vec<&str>, &Change) = (self.path.clone(), &self.change);
        while let Change::Below(keys, inner) = change {
            path.extend(keys.iter().map(String::as_str));
            change = inner;
        }
        (path, change)
    }

    /// Nothing at this place.
    pub fn remove(path: &[&'static str]) -> Self {
        Self { path: path.to_vec(), change: Change::Remove }
    }
}
