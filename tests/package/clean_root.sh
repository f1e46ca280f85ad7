#!/bin/bash
# clean_root.sh ROOT BUILD WORK: the Debian package in a Debian that has nothing else: debootstrap's minbase from the mirror
# this machine uses, the package installed by apt with what it depends on, and in it, as an ordinary user, the suite on
# the bundled driver. Then compilers and CMake, and examples/vendor with the lines of docs/porting.md.
# Status 77: not root, or no debootstrap, or no mirror. KEEP=1 keeps the root.
project=$1 build=$2 work=$3
root=$work/root

skip() {
    echo "skipped: $*"
    exit 77
}

[ "$(id -u)" = 0 ] || skip "only root can make a root"
command -v debootstrap >/dev/null || skip "debootstrap is not installed"
mirror=$(sed -n -E 's/^deb (\[[^]]*\] )?(http[^ ]*) bookworm main.*/\2/p; s/^URIs: *(http[^ ]*debian)\/? *$/\1/p' \
    /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
[ -n "$mirror" ] || skip "apt names no mirror of Debian 12"

# inside COMMAND...: as root in the new root; as_user COMMAND...: as nobody.
inside() {
    chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive HOME=/tmp "$@"
}
as_user() {
    chroot --userspec=nobody:nogroup "$root" /usr/bin/env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 HOME=/tmp "$@"
}
clean() {
    umount "$root/proc" "$root/dev/shm" 2>/dev/null
    [ -n "${KEEP-}" ] || rm -rf "$root"
}
failed() {
    echo "failed: $*"
    tail -n 40 "$work/log"
    exit 1
}

trap clean EXIT
clean
mkdir -p "$work" && : >"$work/log" || exit 2
debootstrap --variant=minbase bookworm "$root" "$mirror" >>"$work/log" 2>&1 || skip "debootstrap: $(tail -n 1 "$work/log")"
mount -t proc proc "$root/proc" 2>>"$work/log"
cp /etc/apt/apt.conf.d/*proxy* "$root/etc/apt/apt.conf.d/" 2>/dev/null
cpack --config "$build/CPackConfig.cmake" -G DEB -B "$work/deb" >>"$work/log" 2>&1 || failed "cpack"
cp "$work"/deb/gpup-cts_*.deb "$root/tmp/gpup-cts.deb" || exit 1

echo "== apt-get install ./gpup-cts.deb, nothing recommended"
inside apt-get install -y --no-install-recommends /tmp/gpup-cts.deb >"$work/apt" 2>&1 || failed "apt: $(cat "$work/apt")"
sed -n '/NEW packages/,/upgraded/p' "$work/apt"
inside dpkg --audit || failed "dpkg --audit"

echo "== gpup-cts run reference --profile certification"
as_user sh -c 'cd /tmp && gpup-cts run reference --profile certification --out reference' >"$work/run" 2>&1 ||
    failed "status $? for the reference driver: $(cat "$work/run")"
grep -E 'required rules|exit status' "$work/run"

echo "== examples/vendor with the lines of the porting guide"
inside apt-get install -y --no-install-recommends gcc g++ libc6-dev cmake make pkg-config binutils diffutils >>"$work/log" 2>&1 ||
    failed "apt, for compilers"
mkdir -p "$root/tmp/project" && cp -r "$project/docs" "$project/examples" "$project/tests/package/guide.sh" "$root/tmp/project/" || exit 1
chmod -R a+rX "$root/tmp/project"
as_user bash /tmp/project/guide.sh /tmp/project /usr /tmp/guide main || failed "the porting guide"

echo "== apt-get remove"
inside apt-get purge -y gpup-cts >>"$work/log" 2>&1 || failed "apt-get purge"
left=$(find "$root/usr" "$root/etc" -name '*gpup*' | grep -v /var/)
[ -z "$left" ] || failed "left after removal: $left"
echo "nothing is left"
