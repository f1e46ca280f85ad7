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
    libzydis-dev    # disassembles driver images: the blocks of their code, for coverage
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
    dpkg-dev            # dpkg-shlibdeps: what the Debian package needs
    g++                 # the C++ of examples/vendor
)
packages_fuzz=(
    clang-14            # libFuzzer
    libclang-rt-14-dev  # its run-time library and the sanitizers
    afl++               # the second engine
    lld-14              # links driver images with counters
    llvm-14             # their import libraries
)
packages_coverage=(
    lcov            # coverage to HTML (Perl)
)
packages_nightly=(
    debootstrap     # a Debian with nothing in it, for the package
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
    need "${packages_build[@]}" "${packages_test[@]}" "${packages_fuzz[@]}" "${packages_coverage[@]}"
    need_node
    without_python
    say "building with gcc, then all tests"
    build_and_test release -LE nightly
    say "building once more, counting what the tests reach"
    count_suite -LE "once|nightly" -E "$not_counted" || failed=$((failed + 1))
    say "building the fuzz targets, then a bounded run of each on both engines"
    test_fuzz
    say "building with clang and sanitizers, then the tests that gain from them"
    # Whole runs of the tool take minutes under a sanitizer and gain little: the first build runs them.
    GPUP_TEST_FLIPS=500 build_and_test asan -LE "once|nightly" -E '^(runner\.(status|bad)|defects|example|binding)'
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

# Executions to detection, typed mutator with state feedback against bytes without it. Rules find these faults, no
# sanitizer is needed.
bench_fuzz() {
    need "${packages_build[@]}" "${packages_fuzz[@]}"
    build_preset fuzz-fast gpup-fuzz-product || fail_with_log "$log/fuzz-fast.log" "the build of the fuzz targets failed."
    exec 9>&-
    exec "$build/fuzz-fast/fuzz/gpup-fuzz" detect --compare "$@"
}

# An execution of programs of 8 calls beside one of nothing, and where the time goes.
bench_fuzz_speed() {
    build_fuzz
    exec 9>&-
    exec "$build/fuzz/fuzz/gpup-fuzz" speed "$@"
}

# A driver image without counters beside the same source with them: what fuzzing reaches, how fast, how stable.
bench_image_fuzz() {
    build_fuzz
    exec 9>&-
    exec "$build/fuzz/fuzz/gpup-fuzz" images "$build/fuzz/harness/reference/reference.sys" \
        "$build/fuzz/fuzz/reference.fuzz.sys" --out "$build/bench-image-fuzz" "$@"
}

# Each target for a bounded number of executions, with both engines.
test_fuzz() {
    build_fuzz
    build_preset fuzz all || fail_with_log "$log/fuzz.log" "the build of what the fuzz tests need failed."
    run_tests fuzz -L fuzz
}

# Drivers that keep to the documents give no finding: 10,000,000 strict executions each, with the seed below. Without
# sanitizers, which the shorter campaigns have. A finding has its page and its program in build/nightly/DRIVER/findings.
campaigns() {
    local driver bad=0
    local -A pid
    build_preset fuzz-fast gpup-fuzz-product || fail_with_log "$log/fuzz-fast.log" "the build of the fuzz targets failed."
    for driver in reference second; do
        rm -rf "$build/nightly/$driver"
        "$build/fuzz-fast/fuzz/gpup-fuzz" run "$driver" --engine libfuzzer --jobs 1 --strict --runs 10000000 --seed 10 \
            --out "$build/nightly/$driver" &
        pid[$driver]=$!
    done
    for driver in reference second; do
        wait "${pid[$driver]}" || { say "campaign on $driver: exit status $?"; bad=1; }
    done
    # The loader of driver images, which reads what anyone made.
    rm -rf "$build/nightly/image"
    "$build/fuzz/fuzz/gpup-fuzz" run reference --target image --engine libfuzzer --jobs 1 --runs 10000000 --seed 7 \
        --out "$build/nightly/image" || { say "campaign on the loader of images: exit status $?"; bad=1; }
    return "$bad"
}

# 300 small faults in the reference driver; a survivor needs its reason in tests/mutants/survivors.txt.
nightly() {
    local rc
    need "${packages_build[@]}" "${packages_test[@]}" "${packages_nightly[@]}"
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
    campaigns || rc=1
    # How soon each seeded fault is found from nothing; the table is kept, and gone on with in the next night.
    # Without sanitizers, as `bench fuzz`: several times as many executions in a night, and each fault shows there, too.
    "$build/fuzz-fast/fuzz/gpup-fuzz" detect --defects all --seeds 5 --cap 2000000 --time 8h --resume --table "$root/fuzz/detection.txt" || rc=3
    exit "$rc"
}

# Not counted for the floors: tests that run none of our code, or in long runs what others reach as well.
not_counted='^(abi|lint|package)\.|^runner\.(same|status|bad)|^defects|^mutants|^conformance\.states|^judge\.(random|reused)'
not_counted+='|^spec\.requirements|^reports\.(lies|page|published|ci_)|windows$|^second-object|^coverage'

# count_suite [CTEST-OPTION...]: the tests in a build that counts, then how much of harness/ and reports/ they reached.
# It fails below 90 % of the lines or 80 % of the branches of either (tests/coverage/floors.sh).
count_suite() {
    local info=$build/coverage/lcov.info
    build_preset coverage all -DGPUP_TESTS=ON || fail_with_log "$log/coverage.log" "the build that counts failed."
    find "$build/coverage" -name '*.gcda' -delete
    GPUP_TEST_FLIPS=300 run_tests coverage "$@"
    # The first adds files that nothing ran. Generated code says nothing about what the tests reach.
    set -- -q --rc lcov_branch_coverage=1 -d "$build/coverage/harness" -d "$build/coverage/reports"
    { lcov "$@" -c -i -o "$info.none" && lcov "$@" -c -o "$info.some" &&
        lcov -q --rc lcov_branch_coverage=1 -a "$info.none" -a "$info.some" -o "$info.all" &&
        lcov -q --rc lcov_branch_coverage=1 -e "$info.all" "$root/harness/*" "$root/reports/*" -o "$info"; } \
        >"$log/lcov.log" 2>&1 || fail_with_log "$log/lcov.log" "lcov failed."
    bash "$root/tests/coverage/floors.sh" "$info" "$root"
}

coverage_suite() {
    need "${packages_build[@]}" "${packages_test[@]}" "${packages_coverage[@]}"
    need_node
    local rc=0
    # Not the matrix: which instruction a fault hits is another where a driver is compiled to be counted.
    count_suite -LE "once|nightly" -E "^defects" || rc=1
    genhtml -q --branch-coverage -p "$root" -o "$build/coverage/html" "$build/coverage/lcov.info" >"$log/lcov.log" 2>&1 ||
        fail_with_log "$log/lcov.log" "genhtml failed."
    echo "pages: $build/coverage/html/index.html"
    [ "$rc" = 0 ] && [ "$failed" = 0 ]
    exit
}

# What conformance and corpus reach of an implementation; ours are built for it, others come as objects.
coverage() {
    local words=(--corpus "$root/corpus") object=''
    [ "${1-}" != --suite ] || coverage_suite
    while [ $# -gt 0 ]; do
        case $1 in
        --*) words+=("$1" ${2+"$2"}) && shift ;; # every option of coverage.sh has a value
        *) if [ -z "$object" ]; then object=$1; else words+=("$1"); fi ;;
        esac
        [ $# = 0 ] || shift
    done
    build_tool
    need "${packages_coverage[@]}"
    case ${object:=reference} in
    *.[sS][yY][sS]) need llvm-14 ;; # its symbolizer reads line tables
    reference | second)
        build_preset release "$object.counted" || fail_with_log "$log/release.log" "the build of $object failed."
        object=$(find "$release/harness" -name "$object.counted.so")
        ;;
    esac
    exec 9>&-
    exec bash "$root/tool/coverage.sh" --tool "$release/gpup-cts" "${words[@]}" "$object"
}

usage() {
    cat <<'END'
usage: ./cts WORD ...

  demo       installs what is missing, builds, runs the certification profile on the
             reference driver, writes the report to out/
  test       installs, builds with gcc and with clang and sanitizers, runs every test
  coverage   ./cts coverage [IMPL] [--out DIR] [--profile P] [--corpus DIR]: what conformance and corpus reach of an
             implementation's code (reference, second, an object built with --coverage, or any .sys), linked from
             DIR/report.html; --suite: what the suite's own tests reach, as HTML in build/coverage/html
  nightly    the long tests: mechanical mutants of the reference driver, each to be killed;
             no finding on the two honest drivers in 10,000,000 executions each; how soon
             fuzzing finds each seeded fault (fuzz/detection.txt)
  fuzz       a campaign: ./cts fuzz [IMPL] [--engine libfuzzer|afl|both] [--time 10m] ...
             (./cts fuzz --help)
  bench      figures, one `name value unit` per line; `bench fuzz`: executions to detection,
             `bench fuzz-speed`: an execution beside one of an empty target;
             `bench images`: a judged call of a driver image beside the native one, and trapped instructions;
             `bench image-fuzz`: fuzzing a driver image without counters beside one with
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
coverage) shift; coverage "$@" ;;
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
    if [ "${2-}" = image-fuzz ]; then
        shift 2
        bench_image_fuzz "$@"
    fi
    build_tool
    build_preset release reference-image || fail_with_log "$log/release.log" "the build failed."
    ;;
esac
build_tool
exec 9>&-
exec "$release/gpup-cts" "$@"
