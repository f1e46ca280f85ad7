#!/bin/bash
# What the programs reach of an implementation's code: lines, functions and branches, by gcov, lcov and genhtml.
#
#   coverage.sh --tool GPUP_CTS [--out DIR] [--profile P] [--corpus DIR]... [--file NAME=PATH]... [--gcov TOOL] OBJECT
#
# OBJECT is a shared object that was compiled and linked with --coverage, or any driver image for Windows (.sys): of that,
# its counters, or breakpoints where it has none, tell which blocks were executed; the pages show a listing of its instructions by RVA, and its source
# lines where it has DWARF (lld-link /debug:dwarf) and its sources are there. OBJECT runs under conformance and then under the
# programs of the corpus; counters go below DIR/coverage, never beside the object. DIR is that of `run --out`:
# report.html in it gets a table with links to the pages. Status 0: there are pages, whatever the verdict; 2: the
# object cannot be counted; 3: it could not be run.
set -u

say() {
    printf 'coverage: %s\n' "$*" >&2
}

fail() {
    local status=$1
    shift
    say "$*"
    exit "$status"
}

tool='' out=out profile=full gcov='' object='' corpus=() files=()
while [ $# -gt 0 ]; do
    case $1 in
    --tool | --out | --profile | --corpus | --gcov | --file)
        [ $# -ge 2 ] || fail 2 "$1: expected a value after it"
        case $1 in
        --tool) tool=$2 ;;
        --out) out=$2 ;;
        --profile) profile=$2 ;;
        --corpus) corpus+=("$2") ;;
        --gcov) gcov=$2 ;;
        --file) files+=(--file "$2") ;;
        esac
        shift 2
        ;;
    -*) fail 2 "unknown option '$1'; expected --out DIR, --profile P, --corpus DIR, --file NAME=PATH, --gcov TOOL" ;;
    *)
        [ -z "$object" ] || fail 2 "expected one implementation, found '$1' too"
        object=$1
        shift
        ;;
    esac
done
[ -x "$tool" ] || fail 2 "--tool: expected the program gpup-cts, found '$tool'"
[ -f "$object" ] || fail 2 "$object: expected a shared object compiled with --coverage or a driver image, found no such file"
image=''
case $object in *.[sS][yY][sS]) image=yes ;; esac
for name in lcov genhtml nm; do
    command -v $name >/dev/null || fail 3 "$name is not installed (packages lcov, binutils)"
done

# ---- the object -------------------------------------------------------------------------------------------------

if [ -z "$image" ]; then
# Where the object would write its counters; the compiler left its notes (.gcno) there.
mapfile -t data < <(LC_ALL=C grep -aoE '/[[:print:]]+\.gcda' "$object" | sort -u)
[ ${#data[@]} -gt 0 ] ||
    fail 2 "$object: expected coverage data (gcov), found none. Compile and link it with --coverage, not optimised and" \
        "not stripped: cc -O0 -g --coverage -fPIC -shared ... (gcc, or clang with its llvm-cov)."
nm "$object" 2>/dev/null | grep -qE '__gcov0\.|__llvm_gcov_ctr' ||
    fail 2 "$object: expected the names of its counters, found none: do not strip it, or its state and its counters" \
        "cannot be told apart."
for file in "${data[@]}"; do
    [ -f "${file%.gcda}.gcno" ] ||
        fail 2 "$object: ${file%.gcda}.gcno is not there, which the compiler wrote when it made the object. Build it here," \
            "or leave the files of that build where they were."
done
fi

# gcov must be of the compiler that made the object.
if [ -z "$image$gcov" ] && nm "$object" | grep -q '__llvm_gcov_ctr'; then
    major=$(LC_ALL=C grep -aoE 'clang version [0-9]+' "$object" | head -n 1 | grep -oE '[0-9]+$')
    for name in "llvm-cov-$major" llvm-cov; do
        ! command -v "$name" >/dev/null || { gcov="$name gcov" && break; }
    done
    [ -n "$gcov" ] || fail 3 "$object was made by clang $major: its llvm-cov is not installed (package llvm-$major)"
fi

# ---- runs -------------------------------------------------------------------------------------------------------

page=$out/coverage
rm -rf "$page"
mkdir -p "$page" || fail 3 "$page: cannot be made"
page=$(cd "$page" && pwd)
options=(-q --rc lcov_branch_coverage=1)
if [ -n "$gcov" ]; then
    printf '#!/bin/sh\nexec %s "$@"\n' "$gcov" >"$page/gcov"
    chmod +x "$page/gcov"
    options+=(--gcov-tool "$page/gcov")
fi

# counted NAME COMMAND...: with the counters below a folder of their own, where gcov finds the notes too.
counted() {
    local folder=$page/data/$1 file
    shift
    if [ -n "$image" ]; then
        mkdir -p "$page/data" && "$tool" image-coverage begin "$object" "$folder" || exit 2
        GPUP_IMAGE_COVERAGE=$folder "$@"
        return
    fi
    for file in "${data[@]}"; do
        mkdir -p "$folder$(dirname "$file")"
        ln -sf "${file%.gcda}.gcno" "$folder${file%.gcda}.gcno"
    done
    GCOV_PREFIX=$folder GCOV_PREFIX_STRIP=0 "$@"
}

# Lines of source, from the line tables of an image: `symbolizer` writes a function and FILE:LINE for each address.
lines_of_image() {
    local instructions=$page/data/$1.instructions
    "$tool" image-coverage instructions "$object" "$page/data/$1" >"$instructions" || return 1
    cut -d ' ' -f 1 "$instructions" | "$symbolizer" --obj="$object" --no-inlines --output-style=GNU -f=linkage 2>>"$page/log" |
        paste -d '\t' - - | paste -d ' ' "$instructions" - | awk '
        # Sources that are not here have no page.
        function readable(file, line, got) { got = (getline line <file) >= 0; close(file); return got }
        {
            split($0, parts, "\t"); place = parts[2]
            sub(/ \(.*$/, "", place)
            file = line = place; sub(/:[0-9]+$/, "", file); sub(/^.*:/, "", line)
            if (!(file in known)) known[file] = file !~ /^\?/ && readable(file)
            if (!known[file] || line + 0 == 0) next
            key = file SUBSEP line + 0
            # A counter stands for its block alone: a line that others have too was not executed only when none is unknown.
            if ($2 == "-") unknown[key] = 1
            else if (!(key in hit) || $2 > hit[key]) hit[key] = $2 + 0
            if ($3 && $2 != "-") { split(parts[1], words, " "); at[file SUBSEP words[4]] = line + 0 " " $2 }
        }
        END {
            for (file in known) if (known[file]) {
                print "TN:\nSF:" file
                for (key in at) { split(key, k, SUBSEP); split(at[key], a, " ")
                    if (k[1] == file) print "FN:" a[1] "," k[2] "\nFNDA:" a[2] "," k[2] }
                for (key in hit) { split(key, k, SUBSEP); if (k[1] == file && (hit[key] || !(key in unknown))) print "DA:" k[2] "," hit[key] }
                print "end_of_record"
            }
        }'
}

info_of_image() {
    listing=$page/$(basename "$object").lst
    { "$tool" image-coverage lcov "$object" "$page/data/$1" "$listing" &&
        { [ -z "$symbolizer" ] || lines_of_image "$1"; }; } >"$page/$1.all" 2>>"$page/log" &&
        lcov "${options[@]}" -a "$page/$1.all" -o "$page/$1.info" >>"$page/log" 2>&1
}

# info NAME: what the run of this name counted. System headers are nobody's own code.
info() {
    if [ -n "$image" ]; then
        info_of_image "$1"
        return
    fi
    { lcov "${options[@]}" -c -d "$page/data/$1" -o "$page/$1.all" &&
        lcov "${options[@]}" -r "$page/$1.all" '/usr/*' -o "$page/$1.info"; } >>"$page/log" 2>&1
}

replay() {
    find "${corpus[@]}" -type f -print0 | sort -z |
        IMPL=$object xargs -0 -r -n 1 -P "$(nproc)" sh -c '"$0" replay "$@" "$IMPL" >/dev/null 2>&1 || [ $? = 1 ] || { for last; do :; done; echo "$last"; }' \
            "$tool" "${files[@]}" >"$page/unread"
}

symbolizer=$(command -v llvm-symbolizer-14 llvm-symbolizer | head -n 1)
listing=''
counted conformance "$tool" run "$object" --profile "$profile" --out "$out" "${files[@]}"
status=$?
[ "$status" != 2 ] && [ "$status" != 3 ] || exit "$status"
info conformance || fail 3 "lcov failed on what conformance counted: $(grep -v redefined "$page/log" | tail -n 1) (the whole log: $page/log)"
runs=(conformance)
if [ ${#corpus[@]} -gt 0 ]; then
    counted corpus replay
    ! [ -s "$page/unread" ] || say "$(wc -l <"$page/unread") files of the corpus did not run ($page/unread)"
    info corpus || fail 3 "lcov failed on what the corpus counted (see $page/log)"
    lcov "${options[@]}" -a "$page/conformance.info" -a "$page/corpus.info" -o "$page/together.info" >>"$page/log" 2>&1 ||
        fail 3 "lcov could not add the two (see $page/log)"
    runs+=(corpus together)
fi

# ---- pages ------------------------------------------------------------------------------------------------------

# Of an image with sources, the listing is not counted a second time.
# name, then hit and found of lines, functions, branches; lcov writes no totals.
for name in "${runs[@]}"; do
    awk -F'[:,]' -v name="$name" -v listing="$listing" '
        $1 == "SF" { sources += $2 != listing; skipped = $2 == listing; if (sources == 1 && !skipped) line = lines = function_ = functions = 0 }
        skipped && sources { next }
        $1 == "DA" { lines++; line += $3 > 0 }
        $1 == "FNDA" { functions++; function_ += $2 > 0 }
        $1 == "BRDA" { branches++; branch += $5 != "-" && $5 > 0 }
        END { print name, line + 0, lines + 0, function_ + 0, functions + 0, branch + 0, branches + 0 }' "$page/$name.info"
done >"$page/figures"
# With the build that was counted, so that no report shows figures of another one.
hash=$(sed -n 's/^  "hash": "\([0-9a-f]*\)"$/\1/p' "$out/results.json" | head -n 1)
awk -v hash="$hash" '
    BEGIN { printf "{\"hash\": \"%s\", \"runs\": [", hash }
    { printf "%s\n  {\"name\": \"%s\", \"lines\": [%d, %d], \"functions\": [%d, %d], \"branches\": [%d, %d]}",
        (NR > 1 ? "," : ""), $1, $2, $3, $4, $5, $6, $7 }
    END { print "\n]}" }' "$page/figures" >"$page/summary.json"
for name in "${runs[@]}"; do
    genhtml -q --branch-coverage --legend -t "$(basename "$object"), $name" -o "$page/$name" "$page/$name.info" \
        >>"$page/log" 2>&1 || fail 3 "genhtml failed: $(grep -v redefined "$page/log" | tail -n 1) (the whole log: $page/log)"
done
rm -rf "$page/data" "$page"/*.all "$page/unread" "$page/gcov"

"$tool" report "$out" >/dev/null
[ "$?" != 3 ] || fail 3 "$out: report.html could not be written"
awk 'function of(hit, found) { return sprintf("%5.1f %% of %d", found ? 100 * hit / found : 0, found) }
    { printf "%-12s %s lines, %s functions, %s branches\n", $1, of($2, $3), of($4, $5), of($6, $7) }' "$page/figures"
rm -f "$page/figures"
echo "pages: $out/coverage/${runs[-1]}/index.html, linked from $out/report.html"
