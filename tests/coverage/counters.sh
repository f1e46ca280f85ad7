#!/bin/bash
# counters.sh TOOL ROOT IMAGE IMAGES WORK: tool/coverage.sh on an image that has counters. In IMAGES are, of the source of IMAGE,
# lined-counted.sys and every-counted.sys (a counter for every block), plain-counted.sys (no line tables), and blind-counted.sys,
# whose counters have no table. What counters say is held against what breakpoints say.
set -u
tool=$1 root=$2 lined=$3 images=$4 work=$5
rm -rf "$work"
mkdir -p "$work/corpus" && cd "$work" || exit 2
bad=0

expect() {
    echo "counters.sh: expected $*"
    bad=1
}

cp "$root"/corpus/defects/BUG-00[1-3].yaml corpus/
cp "$lined" .
cp "$images"/{lined,every,plain,blind}-counted.sys .
for name in lined lined-counted every-counted plain-counted blind-counted; do
    bash "$root/tool/coverage.sh" --tool "$tool" --profile smoke --corpus corpus --out $name $name.sys >$name.said 2>&1 ||
        { cat $name.said && expect "status 0"; }
    [ -s $name/coverage/together/index.html ] || expect "pages of $name.sys"
    awk -F'[:,]' '/^SF:/ { on = /miniport\.c$/ } on && $1 == "DA" { print $2, ($3 > 0) }' \
        $name/coverage/together.info | sort >$name.lines
done
grep -q 'blind-counted.sys: its counters have no table .*pc-table' blind-counted.said ||
    expect "what is missing in blind-counted.sys"
! grep -q 'counters' lined-counted.said lined.said || expect "no word about counters that have their table"

# alike A B AT-LEAST MOST: so many lines that both count, of which no more than MOST differ.
alike() {
    local both differ
    both=$(join $1.lines $2.lines | wc -l)
    differ=$(join $1.lines $2.lines | awk '$2 != $3 { print $1 }' | tr '\n' ' ')
    [ "$both" -ge "$3" ] && [ "$(wc -w <<<"$differ")" -le "$4" ] ||
        expect "$3 lines or more in both, and $4 or fewer that differ, in $1 and $2: found $both, and these differ: $differ"
}
# The same code, counted in two ways: no line differs. The same source compiled without counters may share other blocks.
alike lined-counted blind-counted 70 0
alike lined-counted lined 65 1
alike every-counted lined 95 2
for name in lined-counted every-counted; do
    for hit in 0 1; do
        grep -q " $hit\$" $name.lines || expect "lines reached and lines not reached in $name"
    done
done
[ "$(wc -l <every-counted.lines)" -gt "$(wc -l <lined-counted.lines)" ] || expect "more lines where every block has its counter"
grep -q 'FNDA:[1-9][0-9]*,DriverEntry' lined-counted/coverage/together.info || expect "DriverEntry among the functions that ran"

# By RVA: instructions of the same address and name in the same two images.
for name in lined-counted blind-counted; do
    "$tool" image-coverage begin $name.sys $name.data 2>/dev/null
    GPUP_IMAGE_COVERAGE=$name.data "$tool" run $name.sys --profile smoke --jobs 1 --out one >said 2>&1
    "$tool" image-coverage lcov $name.sys $name.data $name.lst >$name.info
    "$tool" image-coverage instructions $name.sys $name.data | sort >$name.all
    sed -nE "s,^. ([0-9a-f]{6})  ([a-z0-9]+).*,0x180\1 \2,p" $name.lst | sort >$name.names
done
join <(awk '{ print $1, $2 }' lined-counted.all) <(awk '{ print $1, $2 }' blind-counted.all) >both
wrong=$(join <(comm -12 lined-counted.names blind-counted.names) both |
    awk '$3 != "-" { all++; wrong += $3 != $4 } END { print wrong + 0, all + 0 }')
[ "${wrong% *}" = 0 ] && [ "${wrong#* }" -gt 200 ] || expect "no instruction counted in another way, of 200 or more: found $wrong"

# Processes, shards and jobs add to one file.
"$tool" image-coverage begin lined-counted.sys shards
for shard in 1 2; do
    GPUP_IMAGE_COVERAGE=shards "$tool" run lined-counted.sys --profile smoke --jobs 2 --shard $shard/2 --out two >said 2>&1
done
"$tool" image-coverage instructions lined-counted.sys shards | sort | cmp - lined-counted.all || expect "the same of shards"

# Without line tables: by RVA.
! grep -q 'miniport\.c' plain-counted/coverage/together.info || expect "no source of an image without line tables"
awk -F'[:,]' '$1 == "DA" { all++; hit += $3 > 0 } END { exit !(hit > 100 && hit < all) }' plain-counted/coverage/together.info ||
    expect "some instructions reached and some not in plain-counted.sys"
grep -qE '^\? [0-9a-f]{6}  ' plain-counted/coverage/plain-counted.sys.lst || expect "blocks without a counter marked"
# Nothing else changes by it.
"$tool" run plain-counted.sys --profile smoke --out bare >said 2>&1
cmp bare/results.json plain-counted/results.json || expect "the results of a run that is not counted"

# A file of another image.
GPUP_IMAGE_COVERAGE=shards "$tool" run lined.sys --profile smoke --out o >said 2>&1
[ $? = 3 ] && grep -q 'is of an image with counters' said || { cat said && expect "a file of another image refused"; }
exit $bad
