#!/bin/sh
# conformance.sh any|complete GPUP_CTS WORD...: a run of the suite as a test of ctest; its status is that of the test.
# Status 4 of the tool is two things to a project: nothing failed, and a required rule was not judged. `any` passes the
# test and says so in its last line; `complete`, what a driver is filed with, fails it. All else is as the tool says.
asked=$1
shift
case $asked in
any | complete) ;;
*)
    echo "conformance.sh: expected any or complete, found '$asked'" >&2
    exit 2
    ;;
esac
"$@"
status=$?
[ $status = 4 ] || exit $status
if [ "$asked" = complete ]; then
    echo "conformance: not every required rule was judged, and COMPLETE was asked for; report.html says which and why"
    exit 4
fi
echo "conformance: nothing failed, and not every required rule was judged; report.html says which and why"
