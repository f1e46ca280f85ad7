#!/bin/sh
# size.sh ROOT: no file of code above 600 lines, half of them below 200.
. "$(dirname "$0")/sources.sh"
list=$(mktemp) || exit 2
trap 'rm -f "$list"' EXIT
sources "$1" '*.c' '*.h' '*.sh' '*.cmake' cts >"$list"
expect_files "$list"
cd "$1" || exit 2
while read -r file; do
    echo "$(wc -l <"$file") $file"
done <"$list" | sort -n | awk '
    { lines[NR] = $1; if ($1 > 600) { print $2 ": " $1 " lines, 600 are allowed"; bad = 1 } }
    END {
        median = lines[int((NR + 1) / 2)]
        print NR " files, median " median " lines"
        if (median >= 200) { print "half of the files should be below 200 lines"; bad = 1 }
        exit bad
    }'
