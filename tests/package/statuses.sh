#!/bin/sh
# statuses.sh SCRIPT WORK: what tool/conformance.sh makes of each exit status of the tool. Only 4 is taken for another,
# and only where completeness was not asked for; a status that a signal gave stays one.
script=$1 work=$2
bad=0

# maps ASKED STATUS WANTED [WORDS]
maps() {
    said=$(sh "$script" "$1" sh -c "echo ran; exit $2")
    found=$?
    case $said in
    ran*"${4-}"*) ;;
    *) found="$found, '$said'" ;;
    esac
    [ "$found" = "$3" ] && return
    echo "conformance.sh $1, the tool's status $2: expected $3${4:+ and '$4'}, found $found"
    bad=1
}

mkdir -p "$work" || exit 2
for status in 0 1 2 3 5 77 127; do
    maps any $status $status
    maps complete $status $status
done
maps any 4 0 "not every required rule was judged"
maps complete 4 4 "COMPLETE was asked for"
sh "$script" any sh -c 'kill -SEGV $$' >"$work/log" 2>&1
[ $? = 139 ] || { echo "a tool that crashed passed" && bad=1; }
sh "$script" some true >"$work/log" 2>&1
[ $? = 2 ] || { echo "an unknown word was taken" && bad=1; }
# Words reach the tool as they are.
[ "$(sh "$script" any printf '<%s>' 'a b' '*')" = '<a b><*>' ] || { echo "words changed on their way" && bad=1; }
exit $bad
