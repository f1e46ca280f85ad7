#!/bin/bash
# public_headers.sh INCLUDE GCC G++ CLANG CLANG++: every installed header compiles as the only one, and twice in a row, as C11,
# C17 and C++17 with both compilers and for the Windows target.
include=$1 gcc=$2 gxx=$3 clang=$4 clangxx=$5
bad=0 count=0

# alone COMPILER...: one run of the compiler for all headers; a header's file includes it twice.
alone() {
    "$@" -Wall -Wextra -Werror -Wundef -I "$include" -fsyntax-only "${files[@]}" >"$work/log" 2>&1 && return
    echo "$*:"
    grep -E 'error' "$work/log" | head -n 5
    bad=1
}

work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
while IFS= read -r header <&3; do
    count=$((count + 1))
    printf '#include <%s>\n#include <%s>\nextern int gpup_not_empty;\n' "$header" "$header" >"$work/$count.in"
done 3< <(cd "$include" && find . -name '*.h' | sed 's,^\./,,' | sort)
[ $count -ge 15 ] || { echo "only $count headers in $include" && exit 1; }

for language in c cpp; do
    files=()
    for ((i = 1; i <= count; i++)); do
        cp "$work/$i.in" "$work/$i.$language" && files+=("$work/$i.$language")
    done
    if [ $language = c ]; then
        for standard in c11 c17; do
            alone "$gcc" -std=$standard
            alone "$clang" -std=$standard
        done
        alone "$clang" --target=x86_64-pc-windows-msvc -ffreestanding -std=gnu11
    else
        alone "$gxx" -std=c++17
        alone "$clangxx" -std=c++17
        alone "$clangxx" --target=x86_64-pc-windows-msvc -ffreestanding -std=c++17
    fi
done
echo "$count headers"
exit $bad
