#!/bin/sh
# can_fail.sh LINT WORK CLANG-FORMAT CLANG-TIDY: each check accepts a clean tree and finds what was planted in it.
lint=$1 work=$2 format=$3 tidy=$4
bad=0

# expect STATUS NAME COMMAND...
expect() {
    wanted=$1 name=$2
    shift 2
    "$@" >"$work/log" 2>&1
    status=$?
    [ $status -gt 1 ] && [ "$wanted" = 1 ] && status=1 # xargs says 123
    if [ $status != "$wanted" ]; then
        echo "$name: expected $wanted, got $status"
        cat "$work/log"
        bad=1
    fi
}

# plant: a clean tree of one file, with its compile database
plant() {
    rm -rf "$work"
    mkdir -p "$work/tree" "$work/build"
    cp "$lint/../../.clang-format" "$lint/../../.clang-tidy" "$work/tree/"
    printf 'int answer(void);\nint answer(void) {\n    return 42;\n}\n' >"$work/tree/good.c"
    printf '[{"directory": "%s", "command": "cc -c good.c",\n"file": "%s"}]\n' "$work/tree" "$work/tree/good.c" \
        >"$work/build/compile_commands.json"
}

plant
expect 0 "format, clean" sh "$lint/format.sh" "$work/tree" "$format"
expect 0 "size, clean" sh "$lint/size.sh" "$work/tree"
expect 0 "words, clean" sh "$lint/words.sh" "$work/tree"
expect 0 "tidy, clean" sh "$lint/tidy.sh" "$work/tree" "$work/build" "$tidy"

plant
printf 'int  x( void ) ;\n' >>"$work/tree/good.c"
expect 1 "format, badly formatted" sh "$lint/format.sh" "$work/tree" "$format"
plant
yes '// line' | head -n 601 >"$work/tree/long.c"
expect 1 "size, too long" sh "$lint/size.sh" "$work/tree"
plant
printf '// %s later\n' 'TO''DO' >>"$work/tree/good.c"
expect 1 "words, unfinished" sh "$lint/words.sh" "$work/tree"
plant
: >"$work/tree/tool.py"
expect 1 "words, Python" sh "$lint/words.sh" "$work/tree"
plant
printf 'int answer(void);\nint answer(void) {\n    int *p = 0;\n    return *p;\n}\n' >"$work/tree/good.c"
expect 1 "tidy, null pointer" sh "$lint/tidy.sh" "$work/tree" "$work/build" "$tidy"
exit $bad
