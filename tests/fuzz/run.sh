#!/usr/bin/env bash
# Coverage-guided fuzzing with libFuzzer, on the stable compiler.
#   run.sh [SECONDS] [TARGET...]   default: 60 seconds each of every target, one after the other
#   MERGE=1 run.sh [TARGET...]     instead: the smallest corpus with the same coverage, written back
# A finding stops its target; its input is kept in target/fuzz/findings/TARGET. Add it to the corpus once it is
# fixed: `cargo test` replays every file there. Needs a C++ compiler.
set -eu
cd "$(dirname "$0")"

ALL="config dial fake_model frames gateway head jsonrpc sse wirelog"
# Bytes of an input: room for a whole conversation, little enough for thousands of runs a second.
LONGEST=4096
MEMORY_MB=1024
# Seconds of one input; most take a millisecond or less.
SLOWEST=10
# A corpus is for the repository: its files are few and short (tests/it/fuzz_corpus.rs has the bound).
KEEP_LONGEST=1024

OUT=$(cd ../.. && pwd)/target/fuzz
HOST=$(rustc -vV | sed -n 's/^host: //p')
# What cargo-fuzz would say. RUSTC_BOOTSTRAP: the sanitizer's flag is not stable yet, its runtime is there.
export RUSTC_BOOTSTRAP=1
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Zsanitizer=address -Ccodegen-units=1"

SECONDS_EACH=60
if [ -z "${MERGE:-}" ] && [[ ${1:-} =~ ^[0-9]+$ ]]; then
    SECONDS_EACH=$1
    shift
fi
[ $# -gt 0 ] || set -- $ALL

# With --target neither build scripts nor macros are instrumented.
cargo build --release --quiet --locked --target "$HOST"
FUZZER="$OUT/$HOST/release/tui-gateway-fuzz"

# Scratch files of the targets, in memory where there is such a place.
SCRATCH=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")")
trap 'rm -rf "$SCRATCH"' EXIT
export TMPDIR=$SCRATCH

merge() { # merge TARGET: from what was found to what is kept
    local kept="$SCRATCH/$1"
    mkdir -p "$kept"
    "$FUZZER" -set_cover_merge=1 -max_len=$KEEP_LONGEST -rss_limit_mb=$MEMORY_MB -use_value_profile=0 \
        "$kept" "corpus/$1" "$OUT/found/$1" >"$OUT/$1.log" 2>&1 || { tail -n 20 "$OUT/$1.log"; return 1; }
    # What was once a finding stays, whatever it covers now.
    find "corpus/$1" -type f ! -name 'finding-*' ! -name 'seed-*' -delete
    find "$kept" -type f -exec mv {} "corpus/$1/" \;
    echo "fuzz: $1 keeps $(find "corpus/$1" -type f | wc -l) files, $(du -bs "corpus/$1" | cut -f1) bytes"
}

fuzz() { # fuzz TARGET
    local log="$OUT/$1.log"
    mkdir -p "$OUT/findings/$1"
    if "$FUZZER" -max_total_time="$SECONDS_EACH" -max_len=$LONGEST -rss_limit_mb=$MEMORY_MB \
        -timeout=$SLOWEST -artifact_prefix="$OUT/findings/$1/" -print_final_stats=1 -verbosity=1 \
        $([ -f "dictionaries/$1" ] && echo "-dict=dictionaries/$1") \
        "$OUT/found/$1" "corpus/$1" >"$log" 2>&1; then
        echo "fuzz: ok $1, $(sed -n 's/^Done \([0-9]*\) runs in \([0-9]*\) second.*/\1 runs in \2 s/p' "$log")"
    else
        tail -n 40 "$log"
        echo "fuzz: FAIL $1, the input is in $OUT/findings/$1"
        return 1
    fi
}

FAILED=0
for target; do
    mkdir -p "$OUT/found/$target" "corpus/$target"
    export FUZZ_TARGET=$target
    if [ -n "${MERGE:-}" ]; then merge "$target"; else fuzz "$target"; fi || FAILED=1
done
exit $FAILED
