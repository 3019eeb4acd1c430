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
    /// It is gone, if it was there.
    Remove,
}

/// A value without parts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scalar {
    /// A text.
    Text(String),
    /// True or false.
    Flag(bool),
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

    /// Nothing at this place.
    pub fn remove(path: &[&'static str]) -> Self {
        Self { path: path.to_vec(), change: Change::Remove }
    }
}
