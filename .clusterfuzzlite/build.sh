#!/bin/bash
# The same as for OSS-Fuzz.
set -euo pipefail
exec "$SRC/tunnelbench/fuzz/oss-fuzz/build.sh"
