#!/bin/sh
# services_exported.sh LIST LIBRARY: every service in LIST that a driver in a shared object may call is one that LIBRARY exports.
# Names that begin with _ are those of images; gpup_ are the devices of the tool.
exported=$(nm -D --defined-only "$2" | awk '{ print $3 }') || exit 1
missing=0 count=0
for name in $(tr -d '{} ;' <"$1" | grep -v -e '^_' -e '^gpup_'); do
    count=$((count + 1))
    echo "$exported" | grep -qx "$name" || { echo "$name: in services.def, and repro.map lets no emitted test have it" && missing=1; }
done
echo "$count services"
[ "$count" -gt 300 ] && [ "$missing" -eq 0 ]
