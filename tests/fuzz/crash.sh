#!/bin/sh
# crash.sh FUZZ-DIRECTORY WORK: memory damage in an implementation (planted.c) ends the process with a report, also where a
# service copies from or to its memory on its behalf; two kinds of damage are two findings, one by way of two inputs is one.
fuzz=$1 work=$2/crash
rm -rf "$work"
mkdir -p "$work/yaml" "$work/programs" || exit 2
cd "$work" || exit 2

fail() {
    echo "$*"
    tail -n 30 "$work"/*.log
    exit 1
}

# program NAME DATA ADDRESS [STEP]
program() {
    cat >"yaml/$1.yaml" <<END
title: $1
area: MSIX
world: {vfs: 2, partitions: 2}
steps:
  - StartVm: {vf: 1}
${4:+  - $4}
  - WriteVirtualizedInterrupt: {vf: 1, index: 1, address: $3, data: $2}
END
}
program behind 0x50AA0001 0xfee00000
program behind-again 0x50AA0001 0xfee01000 'WriteVirtualizedInterrupt: {vf: 1, index: 0, address: 0xfee00000, data: 7}'
program freed 0x50AA0002 0xfee00000
program short-in 0x50AA0003 0xfee00000
program short-out 0x50AA0004 0xfee00000
program sound 0x50AA0005 0xfee00000
"$fuzz/gpup-fuzz-pack" -d programs yaml/*.yaml || fail "the programs cannot be packed"

# report NAME WORDS...: the program ends the process, and all of that is told.
report() {
    name=$1
    shift
    GPUP_FUZZ_IMPL=$fuzz/planted.fuzz.so "$fuzz/fuzz_program_replay" "$(ls programs/*"$name")" >"$name.log" 2>&1
    [ $? != 0 ] || fail "$name: the process lives on"
    for word in "$@"; do
        grep -q "$word" "$name.log" || fail "$name: expected '$word'"
    done
}
report behind heap-buffer-overflow 'WRITE of size 1' planted_write
report freed heap-use-after-free 'READ of size 1' planted_write
report short-in heap-buffer-overflow 'READ of size 16' EtwRegister planted_write
report short-out heap-buffer-overflow 'WRITE of size 4' IoGetDeviceProperty planted_write
GPUP_FUZZ_IMPL=$fuzz/planted.fuzz.so "$fuzz/fuzz_program_replay" programs/*sound >sound.log 2>&1 || fail "without damage: expected status 0"

# A campaign finds them in its folder of what ended a process.
mkdir -p out/crashes
cp programs/*behind programs/*behind-again programs/*freed out/crashes
"$fuzz/gpup-fuzz" "$fuzz/planted.fuzz.so" --runs 20 --seed 1 --jobs 1 --oracles none --resume --out out >campaign.log 2>&1
ls -d out/findings/CRASH-* >findings.log
[ "$(wc -l <findings.log)" = 2 ] || fail "two kinds of damage, one of them twice: expected two findings"
cat out/findings/CRASH-*/page.md >pages.log
grep -q 'heap-buffer-overflow at planted.fuzz.so+0x' pages.log || fail "the page does not say what was seen"
grep -q 'heap-use-after-free at planted.fuzz.so+0x[0-9a-f]* in WriteVirtualizedInterrupt' pages.log || fail "nor in which call"
# What is known by its key is known when another input shows it.
rm -rf two && mkdir -p two/crashes
cp programs/*behind-again two/crashes
"$fuzz/gpup-fuzz" "$fuzz/planted.fuzz.so" --runs 20 --seed 1 --jobs 1 --oracles none --resume --out two --known out/known.txt >known.log 2>&1
grep -q '^| known | .CRASH-' two/findings.md || fail "another input of a known crash: expected it to be known"
# What cannot be loaded is said at once, and leaves no campaign behind.
echo 'not an object' >unloadable.so
"$fuzz/gpup-fuzz" "$work/unloadable.so" --runs 20 --jobs 1 --out unloadable >unloadable.log 2>&1
[ $? = 3 ] || fail "an object that cannot be loaded: expected status 3"
grep -q 'unloadable.so cannot be fuzzed' unloadable.log || fail "an object that cannot be loaded: expected to be told"
[ -z "$(ls unloadable/corpus)" ] || fail "an object that cannot be loaded: a corpus is left"
echo "2 crashes told apart"
