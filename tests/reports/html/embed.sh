#!/bin/sh
# embed.sh TOOL WORK: files of the page become C strings with the hashes that its policy names.
tool=$1 work=$2
bad=0

say() {
    echo "embed: $*"
    bad=1
}

rm -rf "$work"
mkdir -p "$work" || exit 2
printf abc >"$work/abc"
"$tool" "$work/out.c" style "$work/abc" || say "status $? for a file"
# The SHA-256 of "abc" stands in FIPS 180-2, B.1.
grep -q '^const char html_style_hash\[\] = "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";$' "$work/out.c" ||
    say "expected the hash of abc, found: $(grep hash "$work/out.c")"
grep -q '^97,98,99,0};$' "$work/out.c" || say "expected the bytes of abc, found: $(tail -n 1 "$work/out.c")"
: >"$work/empty"
head -c 1048576 /dev/zero >"$work/large"
for file in empty large missing; do
    "$tool" "$work/out.c" style "$work/$file" 2>"$work/log" && say "$file was taken"
    grep -q "$work/$file: cannot be read, or is 1 MiB or more" "$work/log" || say "$file: found '$(cat "$work/log")'"
done
"$tool" 2>"$work/log" && say "no words were taken"
exit $bad
