#!/bin/bash
# The way into gpup-cts: installs what is missing, builds, runs. `./cts help` lists the words.
set -u

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$root/build
release=$build/release
log=$build/log

# Packages of Debian 12. The table in README.md says the same.
packages_build=(
    gcc             # the compiler
    libc6-dev       # its C library
    cmake           # describes the build
    ninja-build     # runs it
    pkg-config      # finds the libraries
    libfyaml-dev    # YAML: specifications and programs, with a caret at each error
    libjansson-dev  # JSON: results and journal
    libarchive-dev  # the package of a run: tar and zstd
    libsodium-dev   # its hashes and signature
)
packages_test=(
    libcmocka-dev       # unit tests
    clang-14            # second compiler; builds the DDI headers for the Windows target
    lld-14              # links driver images for Windows
    llvm-14             # llvm-dlltool: their import libraries
    libclang-rt-14-dev  # its AddressSanitizer and UndefinedBehaviorSanitizer
    clang-format-14     # one style
    clang-tidy-14       # static analysis
    libxml2-utils       # xmllint: junit.xml against its schema
    perl                # prove reads results.tap
    chromium            # opens report.html
)
packages_fuzz=(
    clang-14            # libFuzzer
    libclang-rt-14-dev  # its run-time library and the sanitizers
    afl++               # the second engine
)
packages_coverage=(
    lcov            # coverage to HTML (Perl)
)

say() {
    printf 'cts: %s\n' "$*" >&2
}

# Ends with status 3: the suite, not the implementation, is at fault.
fail() {
    say "$*"
    exit 3
}

# fail_with_log FILE MESSAGE...: the end of what a quiet step wrote.
fail_with_log() {
    local file=$1
    shift
    tail -n 60 "$file" >&2
    fail "$* The whole log: $file"
}

seconds_since() {
    echo "$((SECONDS - $1)) s"
}

# ---- packages ---------------------------------------------------------------------------------------------------

missing_packages() {
    local package
    for package in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
    done
}

apt() {
    local as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=400 "$@" \
        >>"$log/apt.log" 2>&1 </dev/null
}

need() {
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        return 0 # not a Debian: configuring will name what it does not find
    fi
    local missing started=$SECONDS
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null && ! { [ -t 0 ] && command -v sudo >/dev/null && sudo -v; }; then
        fail "please install as root: apt-get install --no-install-recommends ${missing[*]}"
    fi
    say "installing ${missing[*]}"
    : >"$log/apt.log"
    # The package lists may be absent or old: then the first attempt fails and a fresh list helps.
    apt install --no-install-recommends "${missing[@]}" ||
        { apt update && apt install --no-install-recommends "${missing[@]}"; } ||
        fail_with_log "$log/apt.log" "apt-get could not install ${missing[*]}."
    say "installed in $(seconds_since "$started")"
}

# Schemas that others published come from npm, as tests/reports/npm/package-lock.json names them. A Node.js that is
# there is taken; Debian's would conflict with it.
need_node() {
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        need nodejs npm
    fi
}

# ---- building ---------------------------------------------------------------------------------------------------

# Shows how far ninja is, on a terminal; its other lines are in the log.
progress() {
    local line
    while IFS= read -r line; do
        [ -t 2 ] && [[ $line =~ ^\[[0-9]+/[0-9]+\] ]] && printf '\r\033[Kcts: building %s %s' "$1" "${BASH_REMATCH[0]}" >&2
    done
    [ ! -t 2 ] || printf '\r\033[K' >&2
}

# build_preset PRESET TARGET [CMAKE-OPTION...]
build_preset() {
    local preset=$1 target=$2 started=$SECONDS
    shift 2
    local file=$log/$preset.log
    : >"$file"
    if [ $# -gt 0 ] || [ ! -f "$build/$preset/build.ninja" ]; then
        (cd "$root" && cmake --preset "$preset" "$@") >>"$file" 2>&1 </dev/null || return 1
    fi
    NINJA_STATUS='[%f/%t] ' ninja -C "$build/$preset" "$target" 2>&1 </dev/null | tee -a "$file" | progress "$preset"
    [ "${PIPESTATUS[0]}" = 0 ] || return 1
    # Said only when there was work: other words print what the tool prints and nothing else.
    ! grep -v 'Re-checking globbed' "$file" | grep -q '^\[' || say "built $preset in $(seconds_since "$started")"
}

# The tool and the defects, without tests: what every word but `test` and `coverage` needs.
build_tool() {
    if [ ! -f "$release/build.ninja" ]; then
        need "${packages_build[@]}"
        say "building gpup-cts"
        build_preset release gpup-product -DGPUP_TESTS=OFF
    else
        build_preset release gpup-product
    fi || fail_with_log "$log/release.log" "the build failed."
}

# ---- words ------------------------------------------------------------------------------------------------------

demo() {
    local status
    build_tool
    flock -u 9
    "$release/gpup-cts" run --profile certification --out out
    status=$?
    say "open $PWD/out/report.html in a browser (exit status $status; the README says what each means)"
    exit "$status"
}

passed=0
failed=0

# count FILE NAME: adds up what ctest says at its end.
count() {
    local line
    line=$(grep -E 'tests? failed out of [0-9]+' "$1" | tail -n 1)
    if [[ $line =~ ([0-9]+)\ tests?\ failed\ out\ of\ ([0-9]+) ]]; then
        failed=$((failed + BASH_REMATCH[1]))
        passed=$((passed + BASH_REMATCH[2] - BASH_REMATCH[1]))
    else
        say "$2: ctest gave no summary"
        failed=$((failed + 1))
    fi
}

# run_tests PRESET [CTEST-OPTION...]
run_tests() {
    local preset=$1 file=$log/$1.ctest.log
    shift
    flock -u 9 # a test may call this script
    LC_ALL=C ctest --test-dir "$build/$preset" --output-on-failure --no-tests=error --timeout 600 -j "$(nproc)" "$@" \
        2>&1 </dev/null | tee "$file"
    count "$file" "$preset"
    flock 9
}

# From here on any python3 is one that fails and leaves a mark.
without_python() {
    local name
    mkdir -p "$build/nopython"
    rm -f "$build/nopython/called"
    for name in python3 python; do
        # shellcheck disable=SC2016
        printf '#!/bin/sh\necho "$0 $*" >>"%s"\nexit 97\n' "$build/nopython/called" >"$build/nopython/$name"
        chmod +x "$build/nopython/$name"
    done
    PATH=$build/nopython:$PATH
}

build_and_test() {
    local preset=$1
    shift
    if build_preset "$preset" all -DGPUP_TESTS=ON; then
        run_tests "$preset" "$@"
    else
        tail -n 60 "$log/$preset.log" >&2
        say "$preset: the build failed. The whole log: $log/$preset.log"
        failed=$((failed + 1))
    fi
}

test_all() {
    local started=$SECONDS
    need "${packages_build[@]}" "${packages_test[@]}" "${packages_fuzz[@]}"
    need_node
    without_python
    say "building with gcc, then all tests"
    build_and_test release -LE nightly
    say "building the fuzz targets, then a bounded run of each on both engines"
    test_fuzz
    say "building with clang and sanitizers, then the tests that gain from them"
    # Whole runs of the tool take minutes under a sanitizer and gain little: the first build runs them.
    build_and_test asan -LE "once|nightly" -E '^(runner\.(status|bad)|defects|example|binding)'
    if [ -e "$build/nopython/called" ]; then
        say "something called Python: $(head -n 1 "$build/nopython/called")"
        failed=$((failed + 1))
    fi
    say "tested in $(seconds_since "$started")"
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ] && [ "$passed" != 0 ]
    exit
}

# Builds the fuzz targets; their sanitizers and coverage are in the implementation, not in the harness.
build_fuzz() {
    need "${packages_build[@]}" "${packages_fuzz[@]}"
    build_preset fuzz gpup-fuzz-product || fail_with_log "$log/fuzz.log" "the build of the fuzz targets failed."
}

fuzz() {
    build_fuzz
    exec 9>&-
    exec "$build/fuzz/fuzz/gpup-fuzz" "$@"
}

# Executions to detection, typed mutator with state feedback against bytes without it.
bench_fuzz() {
    build_fuzz
    exec 9>&-
    exec "$build/fuzz/fuzz/gpup-fuzz" detect --compare "$@"
}

# An execution of programs of 8 calls beside one of nothing, and where the time goes.
bench_fuzz_speed() {
    build_fuzz
    exec 9>&-
    exec "$build/fuzz/fuzz/gpup-fuzz" speed "$@"
}

# Each target for a bounded number of executions, with both engines.
test_fuzz() {
    build_fuzz
    run_tests fuzz -L fuzz
}

# 300 small faults in the reference driver; a survivor needs its reason in tests/mutants/survivors.txt.
nightly() {
    local rc
    need "${packages_build[@]}" "${packages_test[@]}"
    need_node
    build_preset release all -DGPUP_TESTS=ON || fail_with_log "$log/release.log" "the build failed."
    CFLAGS="-std=gnu11 -D_GNU_SOURCE -I$root/harness/include -fno-omit-frame-pointer -fno-common" \
        "$release/tests/mutants/mutants" "$root/harness/reference" "$release/harness/reference/reference-defects.so" \
        300 1 -s "$root/tests/mutants/survivors.txt" -j "$(nproc)"
    rc=$?
    run_tests release -L nightly
    build_fuzz
    run_tests fuzz -L nightly
    [ "$failed" = 0 ] || rc=1
    # How soon each seeded fault is found from nothing; the table is kept.
    "$build/fuzz/fuzz/gpup-fuzz" detect --defects all --seeds 5 --cap 2000000 --table "$root/fuzz/detection.txt" || rc=3
    exit "$rc"
}

coverage() {
    local info=$build/coverage/lcov.info html=$build/coverage/html
    need "${packages_build[@]}" "${packages_test[@]}" "${packages_coverage[@]}"
    need_node
    build_preset coverage all -DGPUP_TESTS=ON || fail_with_log "$log/coverage.log" "the build failed."
    find "$build/coverage" -name '*.gcda' -delete
    run_tests coverage -LE "once|nightly"
    # Generated code and the tests themselves say nothing about what the tests reach.
    { lcov -q -c -d "$build/coverage" -b "$root" --no-external --rc lcov_branch_coverage=1 -o "$info.all" &&
        lcov -q -r "$info.all" "$build/*" "$root/tests/*" --rc lcov_branch_coverage=1 -o "$info" &&
        genhtml -q --branch-coverage -p "$root" -o "$html" "$info"; } >"$log/lcov.log" 2>&1 ||
        fail_with_log "$log/lcov.log" "lcov failed."
    lcov --summary "$info" --rc lcov_branch_coverage=1 2>/dev/null | grep -E 'lines|functions|branches'
    echo "coverage: $html/index.html"
    [ "$failed" = 0 ]
    exit
}

usage() {
    cat <<'END'
usage: ./cts WORD ...

  demo       installs what is missing, builds, runs the certification profile on the
             reference driver, writes the report to out/
  test       installs, builds with gcc and with clang and sanitizers, runs every test
  coverage   runs the tests in a build that counts, writes HTML to build/coverage/html
  nightly    the long tests: mechanical mutants of the reference driver, each to be killed;
             how soon fuzzing finds each seeded fault (fuzz/detection.txt)
  fuzz       a campaign: ./cts fuzz [IMPL] [--engine libfuzzer|afl|both] [--time 10m] ...
             (./cts fuzz --help)
  bench      figures, one `name value unit` per line; `bench fuzz`: executions to detection,
             `bench fuzz-speed`: an execution beside one of an empty target
  help       this

Any other word goes to gpup-cts, which is built when needed:
  ./cts run ./mydriver.so --out out      ./cts list rules
END
}

[ $# -gt 0 ] || { usage >&2; exit 2; }
case $1 in
help | -h | --help)
    usage
    [ ! -x "$release/gpup-cts" ] || { echo && "$release/gpup-cts" help; }
    exit 0
    ;;
esac

export GPUP_CTS_COMMAND=./cts # for the hints that the tool prints
mkdir -p "$log" || exit 3
exec 9>"$build/lock"
flock 9 # one build at a time in this tree
case $1 in
demo) demo ;;
test) test_all ;;
nightly) nightly ;;
coverage) coverage ;;
fuzz) shift; fuzz "$@" ;;
bench)
    if [ "${2-}" = fuzz ]; then
        shift 2
        bench_fuzz "$@"
    fi
    if [ "${2-}" = fuzz-speed ]; then
        shift 2
        bench_fuzz_speed "$@"
    fi
    ;;
esac
build_tool
exec 9>&-
exec "$release/gpup-cts" "$@"
