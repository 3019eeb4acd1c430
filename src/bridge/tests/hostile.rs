//! Whatever hosts and clients say: nothing panics, and every request is answered once at most.

use std::collections::HashMap;

use super::*;
use crate::base::prng::Prng;

#[test]
fn a_storm_of_anything_leaves_it_whole() {
    for seed in 0..200 {
        let mut random = Prng::from_seed(seed);
        let mut stage = Stage::new(|setup| {
            setup.per_session = seed % 2 == 0;
            setup.warm = (seed % 3) as usize;
        });
        let (mut asked, mut answers): (i64, HashMap<(u64, i64), u32>) = (0, HashMap::new());
        for _ in 0..400 {
            let (client, run) = (1 + random.below(3), 1 + random.below(6) as u32);
            let outs = match random.below(12) {
                0 => stage.connect(client),
                1 if random.below(3) == 0 => stage.leave(client),
                2..=4 => {
                    asked += 1;
                    let text = storm::request(&mut random, asked);
                    stage.input(Input::Line { client: ClientId(client), text })
                }
                5..=7 => stage.says(run, &storm::event(&mut random)),
                8 => stage.says(run, &storm::reply(&mut random)),
                9 if random.below(4) == 0 => stage.dies(run),
                10 => stage.pass(random.below(40) as f64),
                _ => stage.looks(run, random.below(2) == 0, random.below(3)),
            };
            for out in outs {
                if let Out::Client(client, said) = out
                    && let Some(id) = said["id"].as_i64()
                {
                    let times = answers.entry((client, id)).or_default();
                    *times += 1;
                    assert_eq!(*times, 1, "seed {seed}: {said}");
                }
            }
        }
        let held: usize = stage.bridge.sessions.values().map(|session| session.prompts.len()).sum();
        assert!(held <= stage.bridge.sessions.len() * crate::limits::QUEUED_PROMPTS_MAX);
    }
}
