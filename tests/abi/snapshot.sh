#!/bin/bash
# snapshot.sh EXPECTED ACTUAL: the binary interface is what it was, or its version was raised.
# Both files have sections, `[name version]` and lines below. With ACCEPT=1 EXPECTED becomes ACTUAL, unless a section
# changed under the version that it had; what a program made for the old one would miss wants a new first number.
expected=$1 actual=$2
bad=0
accept="ACCEPT=1 ctest --test-dir BUILD -R abi.public"

sections() {
    sed -n 's/^\[\(.*\) [^ ]*\]$/\1/p' "$1"
}
version() {
    sed -n "s/^\[$2 \(.*\)\]$/\1/p" "$1"
}
content() {
    awk -v name="$2" '/^\[/ { on = index($0, "[" name " ") == 1; next } on' "$1" | sort
}
where() {
    case $1 in
    implementation.h) echo "GPUP_IMPLEMENTATION_VERSION in harness/include/gpup/implementation.h" ;;
    device.h) echo "GPUP_DEVICE_VERSION in harness/include/gpup/device.h" ;;
    framework.h) echo "GPUP_FRAMEWORK_VERSION in harness/include/gpup/framework.h" ;;
    *) echo "GPUP_EXPORTS_VERSION in CMakeLists.txt" ;;
    esac
}

# What a change of lines asks for: `minor` where all that was is there still, else `major`. Without a dot there is only one number.
step_needed() {
    [ -n "$2" ] && echo major || echo minor
}
major() {
    echo "${1%%.*}"
}
# raised OLD NEW STEP
raised() {
    [ "$(major "$2")" -gt "$(major "$1")" ] && return 0
    [ "$3" = minor ] && [[ $1 == *.* ]] && [ "$(major "$2")" = "$(major "$1")" ] && [ "${2#*.}" -gt "${1#*.}" ]
}

compare() {
    local name=$1 old new added removed step
    old=$(version "$expected" "$name") new=$(version "$actual" "$name")
    added=$(comm -13 <(content "$expected" "$name") <(content "$actual" "$name"))
    removed=$(comm -23 <(content "$expected" "$name") <(content "$actual" "$name"))
    [ -n "$old" ] && [ "$old$added$removed" = "$new" ] && return # nothing changed
    step=$(step_needed "$added" "$removed")
    if [ -n "$old" ] && [ -n "$added$removed" ] && ! raised "$old" "$new" "$step"; then
        echo "[$name] changed and its version is still $new. Vendors' binaries would not notice. Raise"
        echo "    $(where "$name")"
        if [[ $old == *.* ]]; then
            [ "$step" = minor ] && echo "by its second number (something came) " || echo "by its first number (something that was is gone or moved)"
        fi
        echo "and then, after reading the difference, accept it:  $accept"
        bad=1
    elif [ -z "${ACCEPT-}" ]; then
        echo "[$name] has version $new; version ${old:-none} is stored. After reading the difference, accept it:  $accept"
        bad=1
    fi
    [ -z "$removed" ] || sed 's/^/    - /' <<<"$removed"
    [ -z "$added" ] || sed 's/^/    + /' <<<"$added"
}

while IFS= read -r name <&3; do
    compare "$name"
done 3< <({ sections "$expected"; sections "$actual"; } 2>/dev/null | sort -u)
[ "$(wc -l <"$actual")" -gt 500 ] || { echo "only $(wc -l <"$actual") lines: this is not the whole interface" && bad=1; }
if [ $bad = 0 ] && [ -n "${ACCEPT-}" ]; then
    cp "$actual" "$expected" && echo "accepted"
fi
exit $bad
