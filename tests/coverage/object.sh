#!/bin/bash
# object.sh TOOL CC ROOT WORK: tool/coverage.sh on objects made for it. What it says is checked against lcov's own data.
set -u
tool=$1 cc=$2 root=$3 work=$4
rm -rf "$work"
mkdir -p "$work/corpus" && cd "$work" || exit 2
cover=(bash "$root/tool/coverage.sh" --tool "$tool")
bad=0

expect() {
    echo "object.sh: expected $*"
    bad=1
}

# make NAME FLAG... SOURCE...
make() {
    local name=$1
    shift
    "$cc" -std=gnu11 -D_GNU_SOURCE -fPIC -shared -I "$root/harness/include" "$@" -o "$name.so" || exit 2
}

# refused STATUS WORDS OBJECT: one message, and nothing ran.
refused() {
    "${cover[@]}" --out "$work/refused" "$3" >said 2>&1
    local status=$?
    [ $status = "$1" ] && grep -q -- "$2" said && [ "$(wc -l <said)" = 1 ] && [ ! -e "$work/refused" ] ||
        { cat said && expect "status $1 and '$2' about $3, found $status"; }
}

simulator=$root/examples/simulator/simulator.c
make plain -O1 "$simulator"
make counted -O0 -g --coverage "$simulator"
make moved -O0 -g --coverage "$simulator"
cp counted.so stripped.so && strip stripped.so
refused 2 "Compile and link it with --coverage" plain.so
refused 2 "do not strip it" stripped.so
refused 2 "no such file" absent.so
rm -f moved*.gcno
refused 2 "moved.*gcno is not there" moved.so

# Conformance, and a corpus of two programs and something else.
for file in "$root"/corpus/defects/BUG-00*.yaml; do
    cp "$file" corpus/
done
echo "no program" >corpus/other.yaml
"${cover[@]}" --profile smoke --out out --corpus corpus counted.so >said 2>&1 || { cat said && expect "status 0"; }
grep -q '^coverage: 1 files of the corpus did not run' said || expect "a word about the one that is no program"
[ -z "$(find . -name '*.gcda')" ] || expect "no counters left, neither beside the object"
for name in conformance corpus together; do
    [ -s out/coverage/$name/index.html ] || expect "the page of $name"
    grep -q "coverage/$name/index.html" out/report.html || expect "a link to it in report.html"
done
# Every line ran as often in both together as in one and the other.
awk -F'[:,]' '/^DA:/ { line[$2] += (FILENAME ~ /together/ ? -1 : 1) * $3; hit[FILENAME] += $3 > 0 }
    END {
        for (n in line) if (line[n]) { print "line " n ": " line[n] " too many"; bad = 1 }
        for (f in hit) { print f, hit[f] " lines"; files++ }
        exit bad || files != 3
    }' out/coverage/{conformance,corpus,together}.info || expect "sums"
# The figures are those that lcov sums up.
lcov --summary out/coverage/together.info --rc lcov_branch_coverage=1 2>/dev/null >sums
for word in lines functions branches; do
    hit=$(sed -n "s/^ *$word\.*: .*(\([0-9]*\) of .*/\1/p" sums)
    found=$(sed -n "s/^ *$word\.*: .* of \([0-9]*\) .*/\1/p" sums)
    grep -q "\"together\".*\"$word\": \[$hit, $found\]" out/coverage/summary.json ||
        expect "$word of together to be $hit of $found in summary.json: $(cat out/coverage/summary.json)"
done

# Figures of one build are not shown with another's results.
"$tool" run plain.so --profile smoke --out out >/dev/null
"$tool" report out >/dev/null
! grep -q 'coverage/together' out/report.html || expect "no figures of another build in report.html"

# A program that ends in a fault counts up to it.
"$cc" -std=gnu11 -D_GNU_SOURCE -fPIC -O0 -I "$root/harness/include" -Dgpup_implementation=simulator_implementation \
    -c "$simulator" -o simulator.o || exit 2
make faulty -O0 -g --coverage "$root/tests/runner/bad/common.c" "$root/tests/runner/bad/null.c" simulator.o
mkdir faulty && cp "$root/conformance/msix/power.yaml" faulty
"${cover[@]}" --profile smoke --out faults --corpus faulty faulty.so >said 2>&1 || { cat said && expect "status 0 of a driver that crashes"; }
awk -F'[:,]' '/^SF:/ { null = $2 ~ /null.c$/ } null && /^DA:/ { if ($3 > 0) hit++ } END { exit !hit }' \
    faults/coverage/corpus.info || expect "lines of null.c that ran before its fault"
exit $bad
