#!/bin/sh
# can_fail.sh WORK: the floors are kept just where they are, for each room by itself.
set -u
here=$(cd "$(dirname "$0")" && pwd)
cd "$1" || exit 2
bad=0

# room DIRECTORY LINES BRANCHES: a file of that room with so many of 100 reached.
room() {
    echo "SF:/r/$1/x.c"
    awk -v lines="$2" -v branches="$3" 'BEGIN {
        for (i = 0; i < 100; i++) print "DA:" i "," (i < lines ? 3 : 0)
        for (i = 0; i < 100; i++) print "BRDA:" i ",0,0," (i < branches ? 1 : i % 2 ? "-" : 0)
    }'
    echo end_of_record
}

# check STATUS HARNESS-LINES HARNESS-BRANCHES REPORTS-LINES REPORTS-BRANCHES
check() {
    { room harness "$2" "$3" && room reports "$4" "$5" && room tests 0 0; } >floors.info
    sh "$here/floors.sh" floors.info /r >floors.said
    [ $? = "$1" ] || { cat floors.said && echo "expected status $1 of $*" && bad=1; }
}

check 0 90 80 90 80
check 1 89 80 90 80
check 1 90 79 90 80
check 1 90 80 89 80
check 1 90 80 90 79
room tests 100 100 >floors.info
! sh "$here/floors.sh" floors.info /r >/dev/null || { echo "expected a failure when nothing of ours was counted" && bad=1; }
! sh "$here/floors.sh" absent.info /r >/dev/null || { echo "expected a failure without data" && bad=1; }
exit $bad
