#!/bin/sh
# words.sh ROOT: no unfinished business, no Python, no path of the machine it was written on.
. "$(dirname "$0")/sources.sh"
list=$(mktemp) || exit 2
trap 'rm -f "$list"' EXIT
# Written so that this file does not contain what it looks for.
words='TO[D]O|FIXM[E]|(^|[^X])XX[X]([^X]|$)|(^|[^A-Za-z0-9_.-])/(work|root|home|tmp/gpup)[/]|[.][.]/share[d]/|gpup-ddi-fact[s]|layout-fact[s]|toolchain-fact[s]|fuzzing-guid[e]|desig[n][.]md'
bad=0
sources "$1" '*.c' '*.h' '*.def' '*.yaml' '*.md' '*.txt' '*.cmake' '*.in' '*.sh' '*.json' cts run >"$list"
expect_files "$list"
cd "$1" || exit 2
if tr '\n' '\0' <"$list" | xargs -0 grep -nE -e "$words"; then
    echo "these words do not belong into the project"
    bad=1
fi
sources . '*.py' '*.pyc' 'requirements.txt' >"$list"
if [ -s "$list" ]; then
    cat "$list"
    echo "there is no Python in this project"
    bad=1
fi
exit $bad
