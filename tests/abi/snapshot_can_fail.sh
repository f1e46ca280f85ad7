#!/bin/bash
# snapshot_can_fail.sh SOURCE WORK: snapshot.sh refuses each kind of silent change, and accepts what was announced.
source=$1 work=$2
bad=0
mkdir -p "$work" || exit 2
base=$source/public.expected

# expect STATUS NAME SED-SCRIPT [ACCEPT]
expect() {
    sed -E "$3" "$base" >"$work/actual"
    cp "$base" "$work/expected"
    cmp -s "$base" "$work/actual" && [ "$2" != same ] && echo "$2: nothing was planted" && bad=1
    ACCEPT=${4-} bash "$source/snapshot.sh" "$work/expected" "$work/actual" >"$work/log" 2>&1
    local status=$?
    [ $status = "$1" ] || { echo "$2: expected $1, got $status" && cat "$work/log" && bad=1; }
    [ -z "${5-}" ] || grep -q "$5" "$work/log" || { echo "$2: does not say '$5'" && cat "$work/log" && bad=1; }
}
field='s/^(field gpup_device_ops claims) .*/\1 200 8/'
expect 0 same ''
expect 1 "a member moved" "$field" '' 'GPUP_DEVICE_VERSION'
expect 1 "a member moved, accepted" "$field" 1 'GPUP_DEVICE_VERSION'
expect 1 "a member moved, version raised" "$field; s/^\[device.h .*/[device.h 99]/" '' 'ACCEPT=1'
expect 0 "a member moved, version raised, accepted" "$field; s/^\[device.h .*/[device.h 99]/" 1
expect 1 "a service gone" '/^name library KeSetEvent$/d' 1 'first number'
expect 1 "a service gone, minor" '/^name library KeSetEvent$/d; s/^\[exports ([0-9]+).*/[exports \1.99]/' 1 'first number'
expect 0 "a service gone, major" '/^name library KeSetEvent$/d; s/^\[exports .*/[exports 99.0]/' 1
expect 1 "a service more" 's/^name library KeSetEvent$/&\nname library KeSetEventNew/' 1 'second number'
expect 0 "a service more, minor" 's/^name library KeSetEvent$/&\nname library KeSetEventNew/; s/^\[exports ([0-9]+).*/[exports \1.99]/' 1
expect 1 "an operation has another number" 's/^value StartVm .*/value StartVm 9999/' 1 'first number'
exit $bad
