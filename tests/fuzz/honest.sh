#!/bin/sh
# honest.sh GPUP-CTS "DRIVER..." PROGRAM...: what a driver was once accused of by mistake, found by fuzzing: no finding on any of the drivers.
cts=$1
drivers=$2
shift 2
[ $# -gt 0 ] || { echo "expected programs, found none"; exit 1; }
bad=0
for program; do
    for driver in $drivers; do
        if ! said=$("$cts" replay "$program" "$driver" --strict 2>&1) || ! echo "$said" | tail -n 1 | grep -q "no finding"; then
            echo "$program on $driver: expected no finding, found"
            echo "$said" | tail -n 4
            bad=1
        fi
    done
done
[ $bad = 0 ] && echo "$# programs"
exit $bad
