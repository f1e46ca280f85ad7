#!/bin/sh
# ill.sh FUZZ-DIRECTORY WORK: what a campaign makes of a driver with an ill (ill.c).
fuzz=$1 work=$2/ill
rm -rf "$work"
mkdir -p "$work" || exit 2
cd "$work" || exit 2

fail() {
    echo "$*"
    tail -n 20 "$work"/*.log
    exit 1
}

# campaign NAME ILL OPTION...: its status.
campaign() {
    name=$1 ill=$2
    shift 2
    GPUP_ILL=$ill "$fuzz/gpup-fuzz" "$fuzz/ill.fuzz.so" --seed 1 --jobs 1 --quiet --out "$name" "$@" >"$name.log" 2>&1
}

# State in globals: a finding of the last sequence, which only the second engine of the shrinker sees, is still one.
campaign globals last-refused --runs 400
[ $? = 1 ] || fail "refused in the last sequence: expected status 1"
grep -q "met once" globals/findings/*/page.md && fail "what an engine left in the object hides the finding from the next"

# What hangs is told after the limit, as a finding where it is in a call, as no driver at all where it is before.
export GPUP_FUZZ_LIMIT=1
campaign open-hang open-hang --runs 50
[ $? = 3 ] || fail "hangs when it is opened: expected status 3"
grep -q 'cannot be fuzzed: it did not return within 1 s' open-hang.log || fail "hangs when it is opened: expected to be told"
campaign hang hang --runs 1 --oracles none
[ $? = 1 ] || fail "hangs in a call: expected status 1"
grep -q '^fuzz: 3 inputs of .* do not return' hang.log || fail "the seeds are replayed to the end"
grep -q '^# CRASH: no return within 1 s in DestroyVirtualGpu' hang/findings/CRASH-*/page.md || fail "the page does not say where it hangs"
grep -q 'met once' hang/findings/CRASH-*/page.md && fail "what hangs again is said to have done so once"

# The first interrupt ends the replay.
GPUP_FUZZ_LIMIT=60 GPUP_ILL=hang env --default-signal=INT "$fuzz/gpup-fuzz" "$fuzz/ill.fuzz.so" --runs 1 --quiet --out int >int.log 2>&1 &
pid=$!
left=300
until [ -e int/log/replay.log ]; do
    left=$((left - 1))
    [ $left -gt 0 ] || { kill -9 $pid; fail "the replay does not begin"; }
    sleep 0.1
done
sleep 1
kill -INT $pid
left=200
while kill -0 $pid 2>/dev/null; do
    left=$((left - 1))
    [ $left -gt 0 ] || { kill -9 $pid; fail "one interrupt does not end a replay that hangs"; }
    sleep 0.1
done

# What ends the process is told at once where it is before any call, and with its call in the last sequence.
for ill in load-damage open-damage; do
    campaign $ill $ill --runs 50
    [ $? = 3 ] || fail "$ill: expected status 3"
    grep -q 'cannot be fuzzed: the process ended while it was loaded' $ill.log && grep -q 'heap-buffer-overflow' $ill.log ||
        fail "$ill: expected to be told why"
done
campaign last last-damage --runs 50
[ $? = 1 ] || fail "damage in the last sequence: expected status 1"
cat last/findings/CRASH-*/page.md >last.log
grep -q 'heap-buffer-overflow .* in WriteVirtualizedInterrupt' last.log || fail "damage in the last sequence: expected its call"
grep -q 'run alone' last.log && fail "damage in the last sequence: expected to be met again"
[ "$(ls -d last/findings/CRASH-* | wc -l)" -le 12 ] || fail "damage in the last sequence: expected one finding for a state"
echo "hangs, damage, state in globals"
