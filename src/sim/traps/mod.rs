//! The traps others fell into, each as a small scene in the simulated world. A scene is clean with the production
//! code, and fails with the naive habit that once made a trap of it. `docs/testing.md` has the table.

mod agents;
mod delivery;
mod questions;
mod scene;
mod sessions;

use super::naive::Naive;
use scene::Scene;

/// Plays a scene, then brings the world to its end; says what was wrong.
fn play(naive: Option<Naive>, scene: &impl Fn(&mut Scene)) -> Option<String> {
    let mut stage = Scene::new(naive);
    scene(&mut stage);
    stage.finish()
}

/// A scene has to be clean, and to fail with each habit for the reason given.
#[track_caller]
fn trap(habits: &[(Naive, &str)], scene: impl Fn(&mut Scene)) {
    assert_eq!(play(None, &scene), None);
    for (habit, why) in habits {
        let failure = play(Some(*habit), &scene).unwrap_or_else(|| panic!("{habit:?} is not caught"));
        assert!(failure.contains(why), "{habit:?} fails for another reason: {failure}");
    }
}
