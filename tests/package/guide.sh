#!/bin/bash
# guide.sh ROOT PREFIX WORK KIND: what docs/porting.md prints is so. A file that it shows is that file; its lines of
# shell marked `run: KIND` (or `run: all`) run in a copy of examples/vendor, against the package in PREFIX, each ending
# with the status that it says (0 when it says none); what it says is printed by lines of that kind was printed.
root=$1 work=$3 kind=$4
export PREFIX=$2 # what the lines of the guide say
guide=$root/docs/porting.md
log=$work/log
bad=0
lines=0 files=0 printed=0

say() {
    echo "docs/porting.md: $*"
    bad=1
}

# block N: the lines of the fenced block after line N.
block() {
    awk -v n="$1" 'NR > n && /^```/ { if (inside) exit; inside = 1; next } inside' "$guide"
}

shown_file() {
    files=$((files + 1))
    block "$2" | cmp -s - "$root/$1" ||
        say "line $2: the block is not $1 any more; copy the file into it"
}

# The lines share one shell, so that an export lasts.
run_line() {
    local line=$1 wanted=0
    [[ $line =~ \#\ status\ ([0-9]+)$ ]] && wanted=${BASH_REMATCH[1]}
    echo "\$ $line" >>"$log"
    eval "$line" >>"$log" 2>&1 </dev/null
    local status=$?
    lines=$((lines + 1))
    [ $status = "$wanted" ] && return
    say "expected status $wanted, found $status: $line"
    tail -n 20 "$log"
}

run_block() {
    local line
    while IFS= read -r line <&3; do
        [ -z "$line" ] || run_line "$line"
    done 3< <(block "$1")
}

was_printed() {
    local line
    while IFS= read -r line <&3; do
        printed=$((printed + 1))
        grep -qF -e "$line" "$log" || say "was not printed: $line"
    done 3< <(block "$1")
}

rm -rf "$work"
mkdir -p "$work" || exit 2
cp -r "$root/examples/vendor" "$work/project" && cd "$work/project" || exit 2
while IFS=: read -r number marker <&4; do
    case $marker in
    *"file: "*) marker=${marker#*file: } && shown_file "${marker%% *}" "$number" ;;
    *"run: all "* | *"run: $kind "*) run_block "$number" ;;
    *"printed: $kind "*) was_printed "$number" ;;
    *"run: "* | *"printed: "*) ;; # of another kind
    *) say "line $number: unknown marker $marker" ;;
    esac
done 4< <(grep -nE '^<!-- .* -->$' "$guide")

# A test that did not run is no test that passed.
if grep -E "(Skipped|Not Run|Disabled)" "$log"; then
    say "ctest ran not all of the tests"
fi

# Cut to nothing the guide would pass.
least=10 least_printed=3
[ "$kind" = main ] || least=5 least_printed=0
[ $lines -ge $least ] && [ $files -ge 2 ] && [ $printed -ge $least_printed ] ||
    say "expected $least lines, 2 files and $least_printed printed lines to check, found $lines, $files, $printed"
echo "$lines lines run, $files files, $printed printed lines"
exit $bad
