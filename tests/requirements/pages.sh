#!/bin/sh
# pages.sh --check|--accept BUILD DIR: the pages of requirements in DIR compared with what they would be now, or written.
# What the scenarios judge is asked of the three drivers that keep every rule, since none offers everything.
set -u
mode=$1 build=$2 pages=$3
proofs=$(cd "$(dirname "$0")/../proofs" && pwd) || exit 2
runs=$(mktemp -d) || exit 2
trap 'rm -rf "$runs"' EXIT
for name in reference second framework; do
    "$build/gpup-cts" run $name --jobs "$(nproc)" --out "$runs/$name" >"$runs/log" 2>&1
    status=$?
    # 4: nothing failed, and a rule about what this driver does not have was not judged
    [ $status = 0 ] || [ $status = 4 ] || { tail -n 20 "$runs/log" && exit 1; }
done
"$build/tests/requirements/requirements" "$mode" "$pages" "$proofs" "$runs/reference" "$runs/second" "$runs/framework"
