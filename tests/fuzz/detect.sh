#!/bin/sh
# detect.sh FUZZ-DIRECTORY WORK: executions to detection are counted to the first finding, the same each time, and a table
# is gone on with where it stands: what is found stays, what was not found within fewer executions is tried again.
fuzz=$1 work=$2/detect
rm -rf "$work"
mkdir -p "$work" || exit 2
cd "$work" || exit 2

fail() {
    echo "$*"
    cat "$work"/*.txt "$work"/*.log
    exit 1
}

measure() {
    "$fuzz/gpup-fuzz" detect --out one --jobs 2 "$@" >>out.log 2>&1
}

row() {
    sed -n "s/^$1  *//p" "$2"
}

# Found by the empty program, found with patience, and one of the suite's framework.
measure --defects BUG-076,BUG-045,BUG-188 --seeds 2 --cap 40 --table table.txt || fail "expected status 0, found $?"
[ "$(grep -c '^BUG-' table.txt)" = 3 ] || fail "expected a line for each of three faults"
row BUG-076 table.txt | grep -q '^[0-9]* *2/2 *[0-9]* *[0-9]*$' || fail "BUG-076 is found at once with each seed"
row BUG-188 table.txt | grep -q '^>40 *0/2 *>40 *>40$' || fail "BUG-188 takes more than 40 executions"
cp table.txt first.txt
"$fuzz/gpup-fuzz" detect --out two --defects BUG-076,BUG-045,BUG-188 --seeds 2 --cap 40 --jobs 1 --table again.txt >>out.log 2>&1
cmp -s first.txt again.txt || fail "measured twice, and the tables differ"

# Nothing is left to do: nothing is done.
rm -rf one/log
measure --defects BUG-076,BUG-045,BUG-188 --seeds 2 --cap 40 --table table.txt --resume || fail "going on: status $?"
[ -z "$(ls one/log)" ] || fail "measured again what the table has"
cmp -s first.txt table.txt || fail "the table changed"
# A higher cap, a seed more: only what is missing.
measure --defects BUG-076,BUG-045,BUG-188 --seeds 3 --cap 60 --table table.txt --resume || fail "higher: status $?"
[ -e one/log/BUG-188-0-0.log ] || fail "BUG-188 was not tried again"
[ ! -e one/log/BUG-076-0-0.log ] || fail "BUG-076 was found already"
[ -e one/log/BUG-076-0-2.log ] || fail "the third seed of BUG-076 is missing"
# Another build: from the start.
sed -i 's/^# build .*/# build 00000000/' table.txt
rm -rf one/log
measure --defects BUG-076 --seeds 1 --cap 40 --table table.txt --resume || fail "another build: status $?"
[ -e one/log/BUG-076-0-0.log ] || fail "figures of another build were taken over"

# Both ways of mutation beside each other, and figures for `cts bench`.
"$fuzz/gpup-fuzz" detect --out one --jobs 2 --defects BUG-018 --seeds 1 --cap 300 --compare >bench.txt 2>>out.log || fail "compare"
grep -q '^fuzz_detect_ratio [0-9.]* times$' bench.txt || fail "no ratio"
# What does not run is no "not found".
mkdir -p broken
cp "$fuzz/fuzz_program" "$fuzz/gpup-fuzz" broken/
broken/gpup-fuzz detect --out three --defects BUG-018 --seeds 1 --cap 40 --jobs 1 >>out.log 2>&1
[ $? = 3 ] || fail "without the drivers: expected status 3"
measure --defects BUG-018 --compare --table table.txt
[ $? = 2 ] || fail "wrong usage: expected status 2"
echo "a table of $(grep -c '^BUG-' first.txt) faults"
