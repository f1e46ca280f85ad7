#!/bin/sh
# tidy.sh ROOT BUILD CLANG-TIDY: clang-tidy over the C files that BUILD compiles, two at a time.
# Drivers in folders named `bad` are wrong on purpose.
# A file that passed is taken again only when it, a header, or the configuration is newer than its mark.
. "$(dirname "$0")/sources.sh"
root=$1 build=$2 tidy=$3
marks=$build/tidy
list=$(mktemp) || exit 2
trap 'rm -f "$list"' EXIT
mkdir -p "$marks" || exit 2

# The newest of what every file may depend on, the order of the compile database apart.
cd "$root" || exit 2
newest=$(sources . '*.h' '*.def' .clang-tidy GpupFlags.cmake | tr '\n' '\0' | xargs -0 ls -t | head -n 1)

sources "$root" '*.c' | sed -n '\,/bad/,!s,^[.]/,,p' | while read -r file; do
    grep -q "\"file\": \"$root/$file\"" "$build/compile_commands.json" || continue
    mark=$marks/$(echo "$file" | tr / +)
    if [ ! -e "$mark" ] || [ "$file" -nt "$mark" ] || [ "$newest" -nt "$mark" ]; then
        echo "$file $mark"
    fi
done >"$list"
echo "$(wc -l <"$list") files to analyse"

# $0 and $1 of the inner shell: the file and its mark.
export build tidy
xargs -r -P 2 -n 2 sh -c '
    if out=$("$tidy" -p "$build" --quiet "$0" 2>&1); then
        touch "$1"
    else
        printf "%s\n%s\n" "$0" "$out"
        exit 1
    fi' <"$list"
