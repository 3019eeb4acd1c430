//! What the fuzzer found, replayed: every input in `tests/fuzz/corpus` through its target, without a
//! sanitizer, and inputs that are made of them at random. `tests/fuzz/run.sh` looks for more.

#[path = "../fuzz/src/targets/mod.rs"]
mod targets;

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use tui_gateway::base::prng::Prng;

/// Inputs made at random for each target: a second or two together in a debug build. `TUI_GATEWAY_TEST_RUNS`
/// makes more, and others.
const MADE: u64 = 48;

/// Longest input that is made, in bytes.
const MADE_BYTES_MAX: usize = 4 << 10;

/// The files of a target, in order, with their contents.
fn inputs(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn what_the_fuzzer_found_breaks_nothing() {
    let mut broken = Vec::new();
    for &(name, run) in targets::ALL {
        let inputs = inputs(name);
        assert!(!inputs.is_empty(), "{name} has no corpus");
        for (path, bytes) in inputs {
            if catch_unwind(|| run(&bytes)).is_err() {
                broken.push(path);
            }
        }
        run(b"");
    }
    assert!(broken.is_empty(), "{broken:?}");
}

#[test]
fn inputs_made_at_random_break_nothing() {
    let more = std::env::var("TUI_GATEWAY_TEST_RUNS").ok().and_then(|runs| runs.parse().ok());
    let mut broken = Vec::new();
    for (&(name, run), target) in targets::ALL.iter().zip(0_u64..) {
        let known: Vec<Vec<u8>> = inputs(name).into_iter().map(|(_, bytes)| bytes).collect();
        for number in 0..more.unwrap_or(MADE) {
            let seed = target << 32 | number;
            let bytes = made(&known, &mut Prng::from_seed(seed));
            if catch_unwind(|| run(&bytes)).is_err() {
                broken.push((name, seed, String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:?}");
}

/// An input like those that are known: pieces of two of them, with a few bytes changed, repeated or left out.
fn made(known: &[Vec<u8>], random: &mut Prng) -> Vec<u8> {
    /// Bytes that mean something in many formats.
    const BYTES: &[u8] = b"\0\x1b\xff\n\r\t \"'\\{}[]<>:,#-|`*_$%/0919e+.";
    /// Changes of one input at most.
    const CHANGES_MAX: u64 = 6;
    let mut bytes = known[below(random, known.len())].clone();
    for _ in 0..=random.below(CHANGES_MAX) {
        let at = below(random, bytes.len() + 1);
        let end = at + below(random, (bytes.len() - at).min(64) + 1);
        match random.below(5) {
            0 => bytes.insert(at, BYTES[below(random, BYTES.len())]),
            1 if at < bytes.len() => bytes[at] = random.below(256) as u8,
            2 => drop(bytes.drain(at..end)),
            3 => {
                let piece = bytes[at..end].repeat(1 + below(random, 8));
                bytes.splice(at..at, piece);
            }
            _ => {
                let other = &known[below(random, known.len())];
                let from = below(random, other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
        }
    }
    bytes.truncate(MADE_BYTES_MAX);
    bytes
}

fn below(random: &mut Prng, count: usize) -> usize {
    random.below(count as u64) as usize
}

#[test]
fn the_corpus_is_small_and_has_no_target_that_is_gone() {
    /// Bytes of all inputs together: they are kept in the repository.
    const BYTES_MAX: usize = 200 << 10;
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let mut folders: Vec<String> =
        fs::read_dir(all).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    folders.sort();
    if cfg!(all(feature = "harness", feature = "openai", feature = "store")) {
        let names: Vec<&str> = targets::ALL.iter().map(|(name, _)| *name).collect();
        assert_eq!(folders, names);
    }
    let bytes: usize = folders.iter().flat_map(|name| inputs(name)).map(|(_, bytes)| bytes.len()).sum();
    assert!(bytes <= BYTES_MAX, "{bytes} bytes");
}
