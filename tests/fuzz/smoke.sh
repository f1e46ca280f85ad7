#!/bin/sh
# smoke.sh FUZZ-DIRECTORY WORK TARGET libfuzzer|afl RUNS: a bounded, seeded run of one target on the reference driver.
# It must execute what it was asked for and find nothing; AFL++ must call it stable.
fuzz=$1 work=$2/$3-$4 target=$3 engine=$4 runs=$5
rm -rf "$work"
mkdir -p "$work/corpus" "$work/artifacts" || exit 2
GPUP_FUZZ_IMPL=$fuzz/reference.fuzz.so GPUP_FUZZ_FINDINGS=$work/raw
export GPUP_FUZZ_IMPL GPUP_FUZZ_FINDINGS

# A form that chance does not meet begins with a sample.
[ "$target" != trace ] && [ "$target" != journal ] && [ "$target" != image ] || cp "$fuzz/seeds/$target"/* "$work/corpus/" || exit 2
length=1024
case $target in yaml | trace | journal) length=4096 ;; image) length=8192 ;; esac

fail() {
    tail -n 40 "$work/log"
    echo "$target, $engine: $*"
    exit 1
}

if [ "$engine" = libfuzzer ]; then
    "$fuzz/fuzz_$target" -seed=1 "-runs=$runs" "-max_len=$length" -len_control=0 -rss_limit_mb=4096 \
        "-artifact_prefix=$work/artifacts/" "$work/corpus" >"$work/log" 2>&1 || fail "status $?"
    grep -q "^Done $runs runs" "$work/log" || fail "fewer than $runs executions"
    [ "$(find "$work/corpus" -type f | wc -l)" -gt 5 ] || fail "no input gave new coverage"
else
    printf '\0\0\0\0' >"$work/corpus/empty"
    AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_AFFINITY=1
    AFL_FAST_CAL=1 AFL_DISABLE_TRIM=1
    export AFL_NO_UI AFL_SKIP_CPUFREQ AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES AFL_NO_AFFINITY AFL_FAST_CAL AFL_DISABLE_TRIM
    if [ "$target" = program ]; then
        AFL_CUSTOM_MUTATOR_LIBRARY=$fuzz/gpup-afl-mutator.so AFL_CUSTOM_MUTATOR_ONLY=1
        export AFL_CUSTOM_MUTATOR_LIBRARY AFL_CUSTOM_MUTATOR_ONLY
    fi
    afl-fuzz -s 1 -E "$runs" -V 120 -t 10000+ -G "$length" -i "$work/corpus" -o "$work/afl" -- "$fuzz/fuzz_${target}_afl" \
        >"$work/log" 2>&1 || fail "status $?"
    stats=$work/afl/default/fuzzer_stats
    value() { sed -n "s/^$1 *: *//p" "$stats"; }
    [ "$(value execs_done)" -ge "$runs" ] || fail "$(value execs_done) executions, $runs were asked for"
    [ "$(value saved_crashes)" = 0 ] || fail "$(value saved_crashes) inputs ended the process"
    [ "$(value corpus_count)" -gt 3 ] || fail "no input gave new coverage"
    [ "$(value stability)" = 100.00% ] || fail "stability $(value stability)"
fi
[ -z "$(ls "$work/raw" 2>/dev/null)" ] || fail "findings on the reference driver: $(ls "$work/raw")"
echo "$target, $engine: $runs executions"
