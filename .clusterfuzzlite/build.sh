#!/bin/bash -eu
# The same build as OSS-Fuzz's.
exec "$SRC/gpup-cts/fuzz/oss-fuzz/build.sh"
