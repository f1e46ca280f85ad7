#!/bin/bash
# image.sh TOOL ROOT IMAGE-WITH-LINES IMAGE-WITHOUT WORK: tool/coverage.sh on driver images. What it says is checked against the
# run itself: what a function was seen to do was counted, and what no program asks for was not.
set -u
tool=$1 root=$2 lined=$3 plain=$4 work=$5
rm -rf "$work"
mkdir -p "$work/corpus" && cd "$work" || exit 2
cover=(bash "$root/tool/coverage.sh" --tool "$tool")
bad=0

expect() {
    echo "image.sh: expected $*"
    bad=1
}

cp "$root"/corpus/defects/BUG-00[1-3].yaml corpus/
"${cover[@]}" --profile smoke --out lined --corpus corpus "$lined" >said 2>&1 || { cat said && expect "status 0"; }
"${cover[@]}" --profile smoke --out plain "$plain" >said.plain 2>&1 || { cat said.plain && expect "status 0"; }
for name in conformance corpus together; do
    [ -s lined/coverage/$name/index.html ] || expect "the page of $name"
done
[ ! -e lined/coverage/data ] || expect "no data left"

# hits INFO SUFFIX: lines reached and lines in all of the file whose name ends so.
hits() {
    awk -v end="$2" -F'[:,]' '/^SF:/ { on = substr($0, length($0) - length(end) + 1) == end }
        on && $1 == "DA" { all++; hit += $3 > 0 } END { print hit + 0, all + 0 }' "$1"
}
read -r hit all < <(hits lined/coverage/conformance.info miniport.c)
[ "$hit" -gt 30 ] && [ "$hit" -lt "$all" ] || expect "some lines of miniport.c reached and some not, found $hit of $all"
grep -q 'FNDA:1,DriverEntry' lined/coverage/conformance.info || expect "DriverEntry among the functions that ran"
read -r hit all < <(hits lined/coverage/conformance.info lined.sys.lst)
[ "$hit" -gt 100 ] && [ "$hit" -lt "$all" ] || expect "some instructions reached and some not, found $hit of $all"
! grep -q 'miniport.c' plain/coverage/conformance.info || expect "no source of an image without line tables"
# The same code: the same instructions were reached.
[ "$(hits plain/coverage/conformance.info plain.sys.lst)" = "$hit $all" ] ||
    expect "$hit of $all in the image without line tables, found $(hits plain/coverage/conformance.info plain.sys.lst)"
# Nothing else changes by it: equal results, byte for byte.
"$tool" run "$plain" --profile smoke --out bare >said.bare 2>&1
cmp bare/results.json plain/results.json || expect "the results of a run that is not counted"
# Figures are of source lines where there are some, and not of both.
read -r hit all < <(hits lined/coverage/together.info miniport.c)
grep -qE "^together .* of $all lines" said || { cat said && expect "$all lines in what is printed"; }

# refused STATUS WORDS COMMAND...
refused() {
    local status=$1 words=$2
    shift 2
    "$@" >said 2>&1
    [ $? = "$status" ] && grep -q -- "$words" said || { cat said && expect "status $status and '$words' of: $*"; }
}
echo nothing >other.sys
refused 2 "other.sys" "${cover[@]}" --out refused other.sys
refused 2 "expected a coverage file" "$tool" image-coverage lcov "$lined" other.sys list
refused 2 "expected begin IMAGE FILE" "$tool" image-coverage lcov "$lined"
"$tool" image-coverage begin "$lined" data || expect "a new coverage file"
head -c 300 data >short
refused 2 "expected a coverage file" "$tool" image-coverage instructions "$lined" short
refused 3 "short" env GPUP_IMAGE_COVERAGE=short "$tool" run "$lined" --profile smoke --out o
exit $bad
