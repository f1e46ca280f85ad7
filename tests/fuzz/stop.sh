#!/bin/sh
# stop.sh FUZZ-DIRECTORY WORK: a campaign that is interrupted leaves its summary, its corpus and no process; one whose folder
# reaches the cap ends by itself below what a campaign without a cap would take.
fuzz=$1 work=$2/stop
rm -rf "$work"
mkdir -p "$work" || exit 2
cd "$work" || exit 2

fail() {
    echo "$*"
    tail -n 20 "$work"/*.log
    [ -z "${pid-}" ] || kill -9 "$pid" 2>/dev/null
    exit 1
}

# wait_for TENTHS COMMAND...: until it holds.
wait_for() {
    left=$1
    shift
    until "$@"; do
        left=$((left - 1))
        [ $left -gt 0 ] || return 1
        sleep 0.1
    done
}

gone() {
    ! kill -0 "$pid" 2>/dev/null
}

# Seeds come first; one more input is the engine's own.
at_work() {
    [ -s one/log/libfuzzer0.log ] && grep -Eq '^#[0-9]+.(NEW|REDUCE|pulse)' one/log/libfuzzer0.log && [ -s one/afl/w0/fuzzer_setup ]
}

# A shell's background job ignores SIGINT, unless something resets it.
env --default-signal=INT "$fuzz/gpup-fuzz" reference --engine both --forever --jobs 2 --out one >one.log 2>&1 &
pid=$!
wait_for 1200 at_work || fail "the engines do not begin"
kill -INT $pid
wait_for 600 gone || fail "an interrupt does not end the campaign"
wait $pid
status=$?
[ $status = 0 ] || fail "interrupted, nothing found: expected status 0, got $status"
grep -q 'nothing new.*interrupted' one/summary.md || fail "the summary does not tell of the interrupt"
grep -q '^  go on .*--resume' one/summary.md || fail "the summary does not say what to do next"
grep -q 'states.svg' one/summary.md && grep -q '<svg' one/states.svg || fail "no picture of the states"
[ "$(find one/corpus -type f | wc -l)" -gt 10 ] || fail "the corpus is not kept"
! pgrep -f "$work/one" >/dev/null || fail "processes are left: $(pgrep -af "$work/one")"
unset pid

# The seeds alone take more than a MiB: the corpus is made small, which is not enough, and the campaign ends.
started=$(date +%s)
timeout 200 "$fuzz/gpup-fuzz" reference --forever --jobs 1 --cap 1 --out two >two.log 2>&1 || fail "at the cap: status $?"
grep -q 'larger than 1 MiB' two.log || fail "it ended for another reason"
grep -q 'the corpus had' two.log || fail "the corpus was not made small first"
grep -q 'executions' two/summary.md || fail "no summary at the cap"
echo "interrupted; at the cap after $(($(date +%s) - started)) s"
