#!/bin/sh
# detect.sh FUZZ-DIRECTORY WORK: executions to detection are counted to the first finding, the same each time, and a table
# is gone on with where it stands: what is found stays, what was not found within fewer executions is tried again.
# Several faults in one driver: each is found by itself, and what is counted so is marked.
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

# By itself at first; what takes more than a while comes into one driver, but not the framework's (188).
"$fuzz/gpup-fuzz" detect --out four --defects BUG-065,BUG-076,BUG-105,BUG-188 --seeds 1 --cap 20 --alone 10 --table four.txt >>out.log 2>&1 ||
    fail "alone and together: status $?"
row BUG-076 four.txt | grep -q '^1 *1/1 *1$' || fail "BUG-076 is found by itself, at once"
row BUG-065 four.txt | grep -q '^>20+ *0/1 *>20+$' || fail "BUG-065 is in one driver with another"
row BUG-105 four.txt | grep -q '^>20+ *0/1 *>20+$' || fail "BUG-105 is in one driver with another"
row BUG-188 four.txt | grep -q '^>20 *0/1 *>20$' || fail "BUG-188 is by itself"
rm -rf four/log
"$fuzz/gpup-fuzz" detect --out four --defects BUG-065,BUG-105 --seeds 1 --cap 20 --alone 10 --table four.txt --resume >>out.log 2>&1
[ -z "$(ls four/log)" ] || fail "measured again what the table has with a mark"
row BUG-065 four.txt | grep -q '^>20+ *0/1 *>20+$' || fail "gone on with, the table lost a mark"

# All at once, from the bundled programs, which show them; at most two of one area (001 and 003), not with one rule (010, 011).
together() {
    "$1/gpup-fuzz" detect --out "$2" --defects BUG-001,BUG-003,BUG-010,BUG-011,BUG-045,BUG-105 --seeds 1 --cap 500 --alone 0 --seeded \
        --table "$2.txt" --jobs "$3" >>out.log 2>&1
}
together "$fuzz" five 2 || fail "together: status $?"
for id in BUG-001 BUG-003 BUG-045 BUG-105; do
    row $id five.txt | grep -q '^[0-9]*+ *1/1 *[0-9]*+$' || fail "$id is found in one driver with others"
done
for id in BUG-010 BUG-011; do
    row $id five.txt | grep -q '^[0-9]* *1/1 *[0-9]*$' || fail "$id is by itself"
done
[ "$(ls five/log)" = "$(printf 'BUG-010-0-0.log\nBUG-011-0-0.log\ngroup-BUG-001-0-0.log')" ] || fail "expected three processes, found $(ls five/log)"
together "$fuzz" six 1 || fail "together, one process at once: status $?"
cmp -s five.txt six.txt || fail "with another number of processes the tables differ"

# A process with several that ends before its time: what it found stays, the others go on by themselves.
mkdir -p short
cp "$fuzz/gpup-fuzz" short/
ln -s "$fuzz"/*-defects.fuzz.so "$fuzz/seeds" short/
cat >short/fuzz_program <<END
#!/bin/sh
[ -z "\$GPUP_FUZZ_WANT" ] || { printf '\nFOUND BUG-001 MSIX-008 after 7 executions\n' && kill -9 \$\$; }
exec "$fuzz/fuzz_program" "\$@"
END
chmod +x short/fuzz_program
together short seven 2 || fail "ended before its time: status $?"
row BUG-001 seven.txt | grep -q '^7+ *1/1 *7+$' || fail "what was found before the process ended is lost"
for id in BUG-003 BUG-045 BUG-105; do
    row $id seven.txt | grep -q '^[0-9]* *1/1 *[0-9]*$' || fail "$id did not go on by itself"
done

# want FAULTS WANTED: the bundled programs on one driver, and what is looked for in it.
want() {
    GPUP_FUZZ_IMPL="$fuzz/reference-defects.fuzz.so:$1" GPUP_FUZZ_WANT="$2" GPUP_FUZZ_STRICT=1 GPUP_FUZZ_QUIET=1 \
        "$fuzz/fuzz_program" -seed=1 -runs=1 -seed_inputs=@five/seeds.txt -artifact_prefix="$work/" >want.log 2>&1
}
# The rule is violated, by the other fault: not found. By this one: found, and the process goes on for the other.
want BUG-011 'BUG-003=MSIX-005' || fail "nothing is found: expected status 0, found $?"
grep -q '^FINDING MSIX-005 ' want.log || fail "BUG-011 does not violate MSIX-005"
grep -q '^FOUND' want.log && fail "the finding of BUG-011 was taken for one of BUG-003"
want BUG-003,BUG-011 'BUG-003=MSIX-005;BUG-011=MSIX-005' || fail "one is left: expected status 0, found $?"
[ "$(grep '^FOUND' want.log | cut -d' ' -f1-3)" = 'FOUND BUG-011 MSIX-005' ] || fail "of two with one rule: expected BUG-011 alone"
want BUG-003,BUG-011 'BUG-011=MSIX-005'
[ $? = 77 ] || fail "all found: expected status 77"
want BUG-011 'BUG-011=NONE-001'
[ $? = 2 ] || fail "a rule that is none: expected status 2"

# The faults of the comparison live together: the bundled programs show each of them in one driver.
"$fuzz/gpup-fuzz" detect --out eight --jobs 2 --seeds 1 --cap 1000 --compare --seeded >eight.txt 2>>out.log || fail "compare: $?"
grep -q '^fuzz_detect_found_typed 12 runs$' eight.txt || fail "the faults of the comparison hide each other"

# What does not run is no "not found".
mkdir -p broken
cp "$fuzz/fuzz_program" "$fuzz/gpup-fuzz" broken/
broken/gpup-fuzz detect --out three --defects BUG-018 --seeds 1 --cap 40 --jobs 1 >>out.log 2>&1
[ $? = 3 ] || fail "without the drivers: expected status 3"
measure --defects BUG-018 --compare --table table.txt
[ $? = 2 ] || fail "wrong usage: expected status 2"
echo "a table of $(grep -c '^BUG-' first.txt) faults"
