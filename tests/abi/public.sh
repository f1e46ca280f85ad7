#!/bin/bash
# public.sh SOURCE WORK PRINTER CXX VERSION LIBRARY TOOL: writes the binary interface to WORK/public.actual and compares it with
# SOURCE/public.expected. PRINTER is public.c as C; with CXX it must say the same.
source=$1 work=$2 printer=$3 cxx=$4 version=$5 library=$6 tool=$7
actual=$work/public.actual
mkdir -p "$work" || exit 2

exported() {
    nm -D --defined-only "$2" | awk -v of="$1" '$2 ~ /[TDBRVW]/ { sub(/@.*/, "", $3); print "name " of " " $3 }' | LC_ALL=C sort
}
"$printer" >"$work/c" || exit 1
"$cxx" -std=c++17 -x c++ -DGPUP_EXPORTS_VERSION="\"$version\"" -I "$source/../../harness/include" -I "$source" "$source/public.c" \
    -o "$work/printer-c++" && "$work/printer-c++" >"$work/c++" || exit 1
cmp "$work/c" "$work/c++" || { echo "public headers mean another thing in C++" && exit 1; }
{
    cat "$work/c"
    echo "[exports $version]"
    exported library "$library"
    exported tool "$tool"
} >"$actual"
exec bash "$source/snapshot.sh" "$source/public.expected" "$actual"
