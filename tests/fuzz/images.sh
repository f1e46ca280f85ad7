#!/bin/sh
# images.sh FUZZ-DIRECTORY WORK PLAIN.sys COUNTED.sys DEFECTS.sys: a driver image without counters guides both engines as the same
# source with counters does: what its inputs reach, and that an input shows the same when it comes again.
fuzz=$1 work=$2/images plain=$3 counted=$4
rm -rf "$work"
mkdir -p "$work" || exit 2

fail() {
    cat "$work/figures"
    tail -n 20 "$work"/log/*.log
    echo "images: $*"
    exit 1
}

"$fuzz/gpup-fuzz" images "$plain" "$counted" --runs 1000 --out "$work" >"$work/figures" 2>&1 || fail "status $?"
value() { sed -n "s/^$1 \([0-9]*\).*/\1/p" "$work/figures"; }
[ "$(value image_fuzz_blocks_instrumented)" -gt 200 ] || fail "hardly anything reached"
[ "$(value image_fuzz_blocks_of_those)" -ge 85 ] || fail "less than 85 % of the blocks"
[ "$(value image_fuzz_stability)" = 100 ] || fail "not stable under AFL++"
grep -q "^IMAGE blocks [1-9]" "$work/log/plain-1.log" || fail "no breakpoints"
grep -q "^IMAGE counters [1-9]" "$work/log/counted-1.log" || fail "no counters"

# Blocks guide it, and not the states of the model alone: libFuzzer counts what they cover.
covered() { sed -n 's/^#[0-9]*.*DONE *cov: \([0-9]*\) .*/\1/p' "$1"; }
[ "$(covered "$work/log/plain-1.log")" -gt 400 ] || fail "libFuzzer saw no blocks"
[ "$(find "$work/afl/w0/queue" -type f | wc -l)" -gt 20 ] || fail "AFL++ kept no inputs"
cat "$work/figures"

# A whole campaign on an image with a seeded fault.
"$fuzz/gpup-fuzz" run "$5:BUG-133" --runs 500 --seed 1 --jobs 1 --out "$work/campaign" >"$work/log/campaign.log" 2>&1
[ $? = 1 ] || fail "a new finding: expected status 1"
[ -s "$(find "$work"/campaign/findings/PAUSE-007-* -name repro.c | head -n 1)" ] || fail "the pause is not found"
