//! How much room the store takes: what no checkpoint needs goes, and when that is not enough, old checkpoints
//! do. Runs after a checkpoint was made; what goes wrong here is logged, and tried again after the next one.

use std::fs;
use std::process::Stdio;

use super::git::LONG_LIMIT;
use super::store::Store;
use crate::model::checkpoint::CheckpointError;

/// Most bytes of the store (the original's): 500 MB.
pub(super) const BYTES_MAX: u64 = 500_000_000;

/// Objects in files of their own beyond which they are packed (that of `git gc --auto`).
const LOOSE_MAX: u64 = 6_700;

/// Checkpoints that each directory keeps when there is no room for all.
const ROWS_IN_NEED: usize = 5;

/// Keeps the store within its bounds.
pub(super) fn tidy(store: &Store) {
    if let Err(error) = try_tidy(store) {
        log::debug!("the checkpoints could not be tidied: {error}");
    }
}

fn try_tidy(store: &Store) -> Result<(), CheckpointError> {
    let room = measure(store)?;
    if room.bytes <= BYTES_MAX && room.loose <= LOOSE_MAX {
        return Ok(());
    }
    sweep(store)?;
    if is_full(store)? {
        store.shorten_all(ROWS_IN_NEED)?;
        sweep(store)?;
    }
    if is_full(store)? {
        store.keep_newest_only()?;
        sweep(store)?;
    }
    Ok(())
}

fn is_full(store: &Store) -> Result<bool, CheckpointError> {
    Ok(measure(store)?.bytes > BYTES_MAX)
}

/// What the store holds.
#[derive(Default, PartialEq, Eq, Debug)]
struct Room {
    /// Bytes on the disk.
    bytes: u64,
    /// Objects in files of their own.
    loose: u64,
}

fn measure(store: &Store) -> Result<Room, CheckpointError> {
    Ok(read(&store.git.text(&["count-objects", "-v"])?))
}

/// Reads what git counted: its sizes are in KiB.
fn read(counted: &str) -> Room {
    let mut room = Room::default();
    for (name, value) in counted.lines().filter_map(|line| line.split_once(": ")) {
        let value = value.trim().parse::<u64>().unwrap_or_default();
        match name {
            "count" => room.loose = value,
            "size" | "size-pack" | "size-garbage" => {
                room.bytes = room.bytes.saturating_add(value.saturating_mul(1 << 10));
            }
            _ => {}
        }
    }
    room
}

/// Packs what is needed and removes the rest. The lock is held, so that nothing is on its way into the store.
fn sweep(store: &Store) -> Result<(), CheckpointError> {
    // They may name files that no checkpoint has, and would be believed.
    let indexes = store.git.store().join("indexes");
    fs::remove_dir_all(&indexes).and_then(|()| fs::create_dir(&indexes)).map_err(|error| {
        CheckpointError::Unavailable(format!("what is known of directories stays: {error}"))
    })?;
    // One that was killed may have left its mark; `--force` does not heed it.
    let args = ["gc", "--quiet", "--force", "--prune=now"];
    store.git.run(&args, Stdio::null(), 0, LONG_LIMIT).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_added_up_in_bytes() {
        let counted = "count: 7\nsize: 28\nin-pack: 3\npacks: 1\nsize-pack: 2\nprune-packable: 0\n\
                       garbage: 0\nsize-garbage: 1";
        assert_eq!(read(counted), Room { bytes: 31 << 10, loose: 7 });
        assert_eq!(read("count: many\n: \nnothing"), Room::default());
    }
}
