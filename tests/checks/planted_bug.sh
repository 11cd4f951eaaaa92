#!/usr/bin/env bash
# Does fuzzing find bugs? Builds the parser's target with one planted (-DDAVIT_PLANT_BUG: a string without
# end is read one byte too far, see lex.c) and demands that the fuzzer finds it within a minute, with no corpus.
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build/fuzz}
seconds=60

cmake --preset fuzz -B "$build" >/dev/null
cmake --build "$build" --target fuzz_planted
start=$SECONDS
status=0
"$build/planted/fuzz_planted" -seed=1 -max_total_time=$seconds "-artifact_prefix=$build/planted/" \
    >"$build/planted/log" 2>&1 || status=$?
if [ $status -ne 0 ] && grep -q 'heap-buffer-overflow' "$build/planted/log" &&
    grep -q 'take_string' "$build/planted/log"; then
    echo "the planted bug was found after $((SECONDS - start)) s"
else
    tail -n 20 "$build/planted/log"
    echo "fail: the planted bug was not found in $seconds s"
    exit 1
fi
