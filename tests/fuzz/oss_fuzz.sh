#!/bin/bash
# oss_fuzz.sh SOURCE WORK CC CXX: build.sh with the variables of OSS-Fuzz; then $OUT holds what it must, each seed runs, and a
# target runs from nothing.
export SRC=$2/src WORK=$2/work OUT=$2/out GPUP_SOURCE=$1 CC=$3 CXX=$4
export CFLAGS="-O1 -fno-omit-frame-pointer -gline-tables-only -fsanitize=address -fsanitize-address-use-after-scope -fsanitize=fuzzer-no-link"
export CXXFLAGS="$CFLAGS" LIB_FUZZING_ENGINE=-fsanitize=fuzzer
rm -rf "$OUT"
mkdir -p "$SRC" "$WORK" "$OUT" || exit 2

fail() {
    echo "$*"
    exit 1
}

"$1/fuzz/oss-fuzz/build.sh" >"$2/build.log" 2>&1 || { tail -n 40 "$2/build.log"; fail "build.sh failed"; }
for target in program call blob packet yaml binary trace journal package image; do
    for file in "fuzz_$target" "fuzz_$target.options" "fuzz_$target.dict"; do
        [ -s "$OUT/$file" ] || fail "\$OUT has no $file"
    done
    "$OUT/fuzz_$target" -runs=200 -seed=1 "-dict=$OUT/fuzz_$target.dict" -artifact_prefix="$2/" >"$2/run.log" 2>&1 ||
        { tail -n 40 "$2/run.log"; fail "fuzz_$target: status $?"; }
    ! grep -q 'no interesting inputs were found' "$2/run.log" || fail "fuzz_$target looks as if it were not instrumented"
done
for target in program yaml binary; do
    [ -s "$OUT/fuzz_${target}_seed_corpus.zip" ] || fail "\$OUT has no seeds of fuzz_$target"
    rm -rf "$2/seeds" && mkdir -p "$2/seeds" && (cd "$2/seeds" && cmake -E tar xf "$OUT/fuzz_${target}_seed_corpus.zip")
    "$OUT/fuzz_$target" -runs=0 -artifact_prefix="$2/" "$2/seeds" >"$2/run.log" 2>&1 ||
        { tail -n 40 "$2/run.log"; fail "a seed of fuzz_$target ends it"; }
done
# An input longer than max_len would be cut; libraries are found where they were copied.
for target in program yaml binary trace journal image; do
    most=$(sed -n "s/^max_len = //p" "$OUT/fuzz_$target.options")
    rm -rf "$2/seeds" && mkdir -p "$2/seeds" && (cd "$2/seeds" && cmake -E tar xf "$OUT/fuzz_${target}_seed_corpus.zip")
    large=$(find "$2/seeds" -type f -size "+${most}c")
    [ -z "$large" ] || fail "max_len = $most of fuzz_$target would cut $large"
    readelf -d "$OUT/fuzz_$target" | grep RUNPATH | grep -qF "\$ORIGIN/lib" || fail "fuzz_$target does not look into lib/ beside it"
done
# What the service's own check asks of a build with AddressSanitizer.
calls=$(objdump -d "$OUT/fuzz_program" | grep -c '__asan')
[ "$calls" -gt 1000 ] || fail "only $calls calls of AddressSanitizer in fuzz_program"
echo "$(ls "$OUT" | wc -l) files, $calls sanitizer calls"
