//! Sets of tools, for whoever offers them to people. Knows nothing of which are switched on.

use crate::model::toolset::TOOLSETS;

/// Name and label of every set that can be switched, by name.
pub fn configurable() -> &'static [(&'static str, &'static str)] {
    static PAIRS: [(&str, &str); TOOLSETS.len()] = {
        let mut pairs = [("", ""); TOOLSETS.len()];
        let mut at = 0;
        while at < pairs.len() {
            pairs[at] = (TOOLSETS[at].name, TOOLSETS[at].label);
            at += 1;
        }
        pairs
    };
    &PAIRS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_is_offered() {
        let names: Vec<&str> = configurable().iter().map(|(name, _)| *name).collect();
        assert_eq!(names.len(), TOOLSETS.len());
        assert!(names.contains(&"web") && configurable().iter().all(|(_, label)| !label.is_empty()));
    }
}
