#!/bin/sh
# finds.sh FUZZ-DIRECTORY WORK: a campaign with both engines on a driver with a seeded fault ends with status 1, writes the
# finding down for people, and knows it the next time; a second build without the fault calls it fixed.
fuzz=$1 work=$2/finds
rm -rf "$work"
mkdir -p "$work" || exit 2
cd "$work" || exit 2

fail() {
    echo "$*"
    tail -n 20 "$work"/*.log
    exit 1
}

"$fuzz/gpup-fuzz" reference:BUG-133 --engine both --runs 4000 --seed 1 --jobs 2 --out one >first.log 2>&1
[ $? = 1 ] || fail "a new finding: expected status 1"
page=$(find one/findings -name page.md | head -n 1)
[ -n "$page" ] || fail "no page"
for file in program.yaml repro.c program; do
    [ -s "$(dirname "$page")/$file" ] || fail "no $file"
done
grep -q '==> FAIL PAUSE-007' one/findings/PAUSE-007-*/page.md || fail "the timeline does not show the violation"
steps=$(for file in one/findings/PAUSE-007-*/program.yaml; do grep -c "^  - " "$file"; done | sort -n | head -n 1)
[ "$steps" -le 4 ] || fail "$steps steps are left, 4 are enough"
grep -q 'cells were reached' one/states.txt || fail "no picture of the states"

"$fuzz/gpup-fuzz" reference:BUG-133 --runs 200 --seed 2 --jobs 1 --out one --resume >second.log 2>&1
[ $? -le 1 ] || fail "going on: expected status 0 or 1"
grep -q '| known | .PAUSE-007' one/findings.md || fail "the finding is not known the second time"
"$fuzz/gpup-fuzz" reference --runs 200 --seed 2 --jobs 1 --out one --resume >third.log 2>&1 || fail "on the sound driver"
grep -q '| fixed | .PAUSE-007' one/findings.md || fail "the finding is not called fixed"
# Across builds, in another folder: what the list names is passed over, and fixed where it is not met.
"$fuzz/gpup-fuzz" reference:BUG-133 --runs 200 --seed 3 --jobs 1 --out two --known one/known.txt >fifth.log 2>&1 || fail "all of it is known"
"$fuzz/gpup-fuzz" reference --runs 200 --seed 3 --jobs 1 --out three --known one/known.txt >sixth.log 2>&1 || fail "sound, with a list"
grep -q "^| fixed | PAUSE-007" three/findings.md || fail "the list names a finding that is fixed"
# A line that is a rule's id alone stands for all of its findings; without their programs nobody knows what is fixed.
cut -d- -f1,2 one/known.txt | sort -u >rules.txt
"$fuzz/gpup-fuzz" reference:BUG-133 --runs 200 --seed 4 --jobs 1 --out seven --known rules.txt >rules.log 2>&1 || fail "each rule is known"
ls seven/findings/PAUSE-007-* >/dev/null 2>&1 || fail "a known rule is not met any more"
cp one/known.txt moved.txt
"$fuzz/gpup-fuzz" reference --runs 200 --seed 4 --jobs 1 --out eight --known moved.txt >moved.log 2>&1 || fail "sound, with a list that was moved"
grep -q '^| not met | PAUSE-007' eight/findings.md && ! grep -q fixed eight/findings.md || fail "what was not run again is called fixed"
grep -q '^PAUSE-007-' eight/known.txt || fail "what was not met is forgotten"
# One campaign for a folder, with one target.
"$fuzz/gpup-fuzz" reference --target blob --runs 10 --out eight --resume >target.log 2>&1
[ $? = 2 ] || fail "another target: expected status 2"
flock eight/lock "$fuzz/gpup-fuzz" reference --runs 10 --out eight --resume >lock.log 2>&1
[ $? = 2 ] && grep -q 'a campaign runs in eight' lock.log || fail "two campaigns in one folder: expected status 2"
# Three faults at once: a campaign, and an engine that begins with nothing.
"$fuzz/gpup-fuzz" reference:BUG-133,BUG-011,BUG-065 --runs 3000 --seed 1 --jobs 1 --out four >seventh.log 2>&1
[ $? = 1 ] || fail "three faults: expected status 1"
for rule in PAUSE-007 MSIX-005 DIRTY-023; do
    ls -d four/findings/$rule-* >/dev/null 2>&1 || fail "three faults: $rule was not found"
done
GPUP_FUZZ_IMPL=$fuzz/reference-defects.fuzz.so:BUG-133,BUG-011,BUG-090 GPUP_FUZZ_STRICT=1 \
    "$fuzz/fuzz_program" -seed=1 -runs=3000 -max_len=1024 -len_control=0 -detect_leaks=0 >eighth.log 2>&1
for rule in PAUSE-007 MSIX-005 LM-029; do
    grep -q "^FINDING $rule " eighth.log || fail "three faults, from nothing: $rule was not found"
done
# Files that the driver finds.
"$fuzz/gpup-fuzz" reference --runs 50 --jobs 1 --out five --file '\SystemRoot\a'=first.log --file '\SystemRoot\b'=first.log >ninth.log 2>&1 ||
    fail "with files: expected status 0"
"$fuzz/gpup-fuzz" reference --runs 50 --out six --file '\SystemRoot\a'=missing >tenth.log 2>&1
[ $? = 2 ] || fail "a file that is missing: expected status 2"
grep -q "^gpup-fuzz: --file: missing: cannot be read" tenth.log && [ ! -e six ] || fail "the message does not say what is missing"
"$fuzz/gpup-fuzz" --nonsense >fourth.log 2>&1
[ $? = 2 ] || fail "wrong usage: expected status 2"
echo "$(find one/findings -name page.md | wc -l) findings written down"
