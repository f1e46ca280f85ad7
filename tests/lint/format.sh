#!/bin/sh
# format.sh ROOT CLANG-FORMAT: every C file is as clang-format leaves it.
. "$(dirname "$0")/sources.sh"
list=$(mktemp) || exit 2
trap 'rm -f "$list"' EXIT
sources "$1" '*.c' '*.h' >"$list"
expect_files "$list"
cd "$1" && xargs -n 40 "$2" --dry-run -Werror <"$list"
