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
echo "state in globals"
