//! What the fuzzer found, replayed: every input in `tests/fuzz/corpus` through its target, without a
//! sanitizer. `tests/fuzz/run.sh` looks for more.

#[path = "../fuzz/src/targets/mod.rs"]
mod targets;

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

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
fn the_corpus_is_small_and_has_no_target_that_is_gone() {
    /// Bytes of all inputs together: they are kept in the repository.
    const BYTES_MAX: usize = 200 << 10;
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let mut folders: Vec<String> =
        fs::read_dir(all).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    folders.sort();
    if cfg!(all(feature = "harness", feature = "openai")) {
        let names: Vec<&str> = targets::ALL.iter().map(|(name, _)| *name).collect();
        assert_eq!(folders, names);
    }
    let bytes: usize = folders.iter().flat_map(|name| inputs(name)).map(|(_, bytes)| bytes.len()).sum();
    assert!(bytes <= BYTES_MAX, "{bytes} bytes");
}
