2>&1
status=$? # 4: too few programs to judge every rule
[ $status = 0 ] || [ $status = 4 ] || say "its tool: status $status for the reference driver; see $work/log"#!/bin/bash
# deb.sh BUILD PREFIX WORK: makes the Debian package and looks at it. Its files are those of `cmake --install` in PREFIX,
# its dependencies cover every library that a file of it needs, its tool runs from where it was unpacked.
build=$1 prefix=$2 work=$3
bad=0

say() {
    echo "deb: $*"
    bad=1
}

rm -rf "$work"
mkdir -p "$work/root" || exit 2
cpack --config "$build/CPackConfig.cmake" -G DEB -B "$work" >"$work/log" 2>&1 || { cat "$work/log" && exit 1; }
deb=$(echo "$work"/gpup-cts_*.deb)
dpkg-deb -x "$deb" "$work/root" || exit 1

files() {
    (cd "$1" && find . ! -type d | sort)
}
diff <(files "$prefix") <(files "$work/root/usr") >"$work/diff" ||
    say "its files (>) are not those of cmake --install (<):" "$(cat "$work/diff")"

# A library that a file needs and the package does not hold belongs to a package, which must be among those it asks for.
depends=$(dpkg-deb -f "$deb" Depends)
needed=$(find "$work/root" -type f \( -name gpup-cts -o -name '*.so*' \) -path '*/usr/[bl]i[nb]/*' -exec objdump -p {} + | awk '$1 == "NEEDED" { print $2 }' | sort -u)
[ -n "$needed" ] || say "no file of it needs a library: expected gpup-cts to"
for library in $needed; do
    path=$(readlink -f "$(ldconfig -p | awk -v l="$library" '$1 == l && /x86-64/ { print $NF; exit }')")
    # Where /lib is a link to /usr/lib, either may be the name that dpkg knows.
    package=$({ dpkg-query -S "$path" || dpkg-query -S "${path#/usr}"; } 2>/dev/null | sed 's/:.*//' | head -n 1)
    [[ ", $depends," =~ ", $package "[^,]*, || ", $depends," == *", $package,"* ]] ||
        say "$library of the package '$package' is needed; Depends has: $depends"
done

"$work/root/usr/bin/gpup-cts" run reference --profile smoke --out "$work/out" >>"$work/log" 2>&1
status=$? # 4: these are too few programs to judge every rule
[ $status = 0 ] || [ $status = 4 ] || say "its tool: status $status for the reference driver; see $work/log"
echo "$(basename "$deb"): $(files "$work/root" | wc -l) files, Depends: $depends"
exit $bad
