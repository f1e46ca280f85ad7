#!/bin/sh
# honest.sh GPUP-CTS PROGRAM...: what a driver was once accused of by mistake, found by fuzzing: no finding on either sound driver.
cts=$1
shift
[ $# -gt 0 ] || { echo "expected programs, found none"; exit 1; }
bad=0
for program; do
    for driver in reference second; do
        if ! said=$("$cts" replay "$program" "$driver" --strict 2>&1) || ! echo "$said" | tail -n 1 | grep -q "no finding"; then
            echo "$program on $driver: expected no finding, found"
            echo "$said" | tail -n 4
            bad=1
        fi
    done
done
[ $bad = 0 ] && echo "$# programs"
exit $bad
