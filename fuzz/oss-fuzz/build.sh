#!/bin/bash
# Builds the fuzz targets as OSS-Fuzz and ClusterFuzzLite ask for it: with $CC $CXX $CFLAGS $CXXFLAGS, linked with
# $LIB_FUZZING_ENGINE, into $OUT: targets, NAME_seed_corpus.zip, NAME.dict, NAME.options, and the driver they load.
# $SRC/gpup-cts is the source, $WORK for what is in between. GPUP_DRIVER names another driver than the reference.
set -eu
for name in CC CXX CFLAGS LIB_FUZZING_ENGINE WORK OUT; do
    [ -n "${!name-}" ] || { echo "build.sh: \$$name is not set: expected what OSS-Fuzz sets (CC CXX CFLAGS LIB_FUZZING_ENGINE WORK OUT SRC)" >&2; exit 2; }
done
source=${GPUP_SOURCE:-${SRC:?build.sh: \$SRC is not set: expected the folder that gpup-cts lies in}/gpup-cts}
build=$WORK/gpup-cts
targets="program call blob packet yaml binary trace journal package image"

# Everything takes the service's flags: it counts instrumented code in the targets themselves, too.
flags=$CFLAGS
engine=$LIB_FUZZING_ENGINE
export ASAN_OPTIONS=detect_leaks=0 # of build tools
export CFLAGS="$CFLAGS -Wno-error" CXXFLAGS="${CXXFLAGS-}"
cmake -S "$source" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_COMPILER="$CC" \
    -DCMAKE_CXX_COMPILER="$CXX" -DGPUP_TESTS=OFF -DGPUP_FUZZ=ON -DGPUP_FUZZ_FLAGS= -DGPUP_FUZZ_ENGINE="$engine" \
    -DCMAKE_EXE_LINKER_FLAGS="$flags" -DCMAKE_BUILD_RPATH='$ORIGIN/lib' -DCMAKE_MODULE_LINKER_FLAGS="$flags"
names=(fuzz-seeds reference.fuzz)
for target in $targets; do
    names+=("fuzz_$target")
done
ninja -C "$build" "${names[@]}"

mkdir -p "$OUT"
cp "${GPUP_DRIVER:-$build/fuzz/reference.fuzz.so}" "$OUT/implementation.so" # what a target loads when nothing else is named
for target in $targets; do
    cp "$build/fuzz/fuzz_$target" "$OUT/"
    case $target in # as in fuzz/campaign/worker.c: at least the largest seed
    program | binary) most=2048 ;;
    yaml | trace | journal | package) most=8192 ;;
    image) most=16384 ;;
    *) most=1024 ;;
    esac
    printf '[libfuzzer]\nmax_len = %d\nlen_control = 0\nrss_limit_mb = 4096\n' "$most" >"$OUT/fuzz_$target.options"
    dictionary=binary
    case $target in
    yaml | journal | trace) dictionary=yaml ;;
    esac
    cp "$build/fuzz/seeds/$dictionary.dict" "$OUT/fuzz_$target.dict"
    if [ -d "$build/fuzz/seeds/$target" ]; then
        rm -f "$OUT/fuzz_${target}_seed_corpus.zip"
        (cd "$build/fuzz/seeds/$target" && cmake -E tar cf "$OUT/fuzz_${target}_seed_corpus.zip" --format=zip .)
    fi
done
# The fuzzing image may lack what YAML, JSON, packages and driver images are read with.
for library in libfyaml libjansson libarchive libsodium libZydis libZycore; do
    file=$(ldd "$OUT/fuzz_journal" "$OUT/fuzz_package" "$OUT/fuzz_yaml" "$OUT/fuzz_program" | sed -n "s,.*\($library[^ ]*\) => \([^ ]*\) .*,\2,p" | head -n 1)
    [ -z "$file" ] || { mkdir -p "$OUT/lib" && cp -L "$file" "$OUT/lib/"; }
done
