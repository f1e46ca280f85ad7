#!/bin/sh
# floors.sh INFO ROOT: how much of harness/ and reports/ the tests reach, from lcov's data. Fails below a floor: 90 % of the
# lines and 80 % of the branches of each.
[ -s "$1" ] || { echo "$1: expected lcov's data, found none" && exit 1; }
awk -v root="$2/" '
    function rate(hit, found) { return found ? 100 * hit / found : 0 }
    /^SF:/ {
        file = substr($0, 4)
        room = index(file, root) == 1 ? substr(file, length(root) + 1) : ""
        path = room
        sub("/.*", "", room)
    }
    /^DA:/ { split($0, a, ","); lines[room]++; if (a[2] > 0) line[room]++; else unreached[path]++ }
    /^BRDA:/ { split($0, a, ","); branches[room]++; branch[room] += a[4] != "-" && a[4] > 0 }
    END {
        split("harness reports", rooms, " ")
        for (i = 1; i <= 2; i++) {
            r = rooms[i]
            l = rate(line[r], lines[r]); b = rate(branch[r], branches[r])
            printf "%-8s %.1f %% of %d lines, %.1f %% of %d branches\n", r "/", l, lines[r], b, branches[r]
            if (l < 90 || b < 80) { bad = 1; print "  expected at least 90 % of the lines and 80 % of the branches" }
        }
        if (bad) {
            print "most lines without a test:"
            for (path in unreached) if (path ~ /^(harness|reports)\//) printf "%6d %s\n", unreached[path], path | "sort -rn | head -n 15"
        }
        exit bad
    }' "$1"
