#!/bin/sh
# repro.sh CC INCLUDE LIBRARY SOUND FAULTY WORK: each C form that fuzz.minimal left in WORK, compiled with the headers and
# linked with gpup-repro, cmocka and one driver, nothing else: with the fault it fails and names the rule, without it passes.
cc=$1 include=$2 library=$3 sound=$4 faulty=$5 work=$6
folder=$(dirname "$library")
count=0

fail() {
    echo "$*"
    exit 1
}

build() { # SOURCE OUTPUT DRIVER...
    what=$1 output=$2
    shift 2
    "$cc" -std=gnu11 -Wall -Wextra -Werror -I "$include" "$what" "$@" "$library" -lcmocka -Wl,-rpath,"$folder" -o "$output" ||
        fail "$what does not build with $*"
}

for source in "$work"/BUG-*.c; do
    [ -f "$source" ] || fail "no C forms in $work"
    name=$(basename "$source" .c) rule=$(cat "${source%.c}.rule")
    build "$source" "$work/$name.faulty" "$faulty" -Wl,-rpath,"$(dirname "$faulty")"
    build "$source" "$work/$name.sound" "$sound" -Wl,-u,gpup_implementation_reference,--defsym=gpup_implementation=gpup_implementation_reference
    "$work/$name.faulty" "$name" >"$work/$name.log" 2>&1 && fail "$name: passes with the fault"
    grep -q "FAILED TEST" "$work/$name.log" || fail "$name: not a failure of the test: $(cat "$work/$name.log")"
    grep -Eq "finding: (FAIL|WARN|POLICY) $rule, " "$work/$name.log" || fail "$name: $rule expected: $(cat "$work/$name.log")"
    "$work/$name.faulty" >"$work/$name.log" 2>&1 || fail "$name: fails without the fault: $(cat "$work/$name.log")"
    "$work/$name.sound" >"$work/$name.log" 2>&1 || fail "$name: fails on the sound driver: $(cat "$work/$name.log")"
    count=$((count + 1))
done
echo "$count C forms"
