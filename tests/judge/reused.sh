#!/bin/sh
# reused.sh TOOL JUDGE_REUSED WORK: the traces of a whole run, each judged after others.
set -u
rm -rf "$3"
"$1" run second --traces all --jobs "$(nproc)" --out "$3" >"$3.log" 2>&1
status=$?
[ $status = 0 ] || [ $status = 4 ] || { tail -n 20 "$3.log" && exit 1; }
exec "$2" 40 "$3"/traces/*.trace
