#!/usr/bin/env bash
# Coverage-guided fuzzing with libFuzzer, on the stable compiler.
#   run.sh [SECONDS] [TARGET...]   default: 60 seconds of processor time each, every target after the other
#   MERGE=1 run.sh [TARGET...]     instead: the smallest corpus with the same coverage, written back
# A finding stops its target; its input is kept in target/fuzz/findings/TARGET. Add it to the corpus once it is
# fixed: `cargo test` replays every file there. Needs a C++ compiler.
set -eu
cd "$(dirname "$0")"

ALL="config cron database dial dotenv fake_model frames gateway head jsonrpc learning providers render skills sse \
upstream wirelog"
# Bytes of an input: room for a whole conversation, little enough for thousands of runs a second.
LONGEST=4096
MEMORY_MB=1024
# A machine that does other work as well gives a fuzzer its time, but not all the time.
WALL_FACTOR=20
# Seconds of one input; most take a millisecond or less.
SLOWEST=60
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
SPENT=0
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
    # What was written by hand or was once a finding stays, and counts first.
    find "corpus/$1" -type f \( -name 'seed-*' -o -name 'finding-*' \) -exec cp {} "$kept/" \;
    "$FUZZER" -set_cover_merge=1 -max_len=$KEEP_LONGEST -rss_limit_mb=$MEMORY_MB -use_counters=0 -use_cmp=0 \
        "$kept" "corpus/$1" "$OUT/found/$1" >"$OUT/$1.log" 2>&1 || { tail -n 20 "$OUT/$1.log"; return 1; }
    rm -rf "corpus/$1"
    mv "$kept" "corpus/$1"
    echo "fuzz: $1 keeps $(find "corpus/$1" -type f | wc -l) files, $(du -bs "corpus/$1" | cut -f1) bytes"
}

fuzz() { # fuzz TARGET
    local log="$OUT/$1.log" fuzzer
    mkdir -p "$OUT/findings/$1"
    # shellcheck disable=SC2046  # no word where there is no dictionary
    "$FUZZER" -max_total_time=$((SECONDS_EACH * WALL_FACTOR)) -max_len=$LONGEST -rss_limit_mb=$MEMORY_MB \
        -timeout=$SLOWEST -artifact_prefix="$OUT/findings/$1/" -print_final_stats=1 \
        $([ -f "dictionaries/$1" ] && echo "-dict=dictionaries/$1") \
        "$OUT/found/$1" "corpus/$1" >"$log" 2>&1 &
    fuzzer=$!
    while sleep 1 && spent "$fuzzer" && [ "$SPENT" -lt "$SECONDS_EACH" ]; do :; done
    # It ends in order at the next input.
    kill -USR1 "$fuzzer" 2>/dev/null || true
    if wait "$fuzzer"; then
        echo "fuzz: ok $1, $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs in $SPENT s"
    else
        tail -n 40 "$log"
        echo "fuzz: FAIL $1, the input is in $OUT/findings/$1"
        return 1
    fi
}

spent() { # spent PID: its processor time so far, in SPENT; fails when it has ended
    local fields
    read -ra fields 2>/dev/null <"/proc/$1/stat" && [ "${fields[2]}" != Z ] || return 1
    SPENT=$(((fields[13] + fields[14]) / $(getconf CLK_TCK)))
}

FAILED=0
for target; do
    mkdir -p "$OUT/found/$target" "corpus/$target"
    export FUZZ_TARGET=$target
    if [ -n "${MERGE:-}" ]; then merge "$target"; else fuzz "$target"; fi || FAILED=1
done
exit $FAILED
