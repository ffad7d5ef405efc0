#!/bin/bash
# Builds every target for OSS-Fuzz and ClusterFuzzLite inside their image: $OUT
# gets a program, its seeds, its dictionary and its options.
set -euo pipefail
cd -P "$SRC/tunnelbench"

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
source fuzz/oss-fuzz/v2.sh
adapt "$work"

go build -o "$work/seeds" ./fuzz/oss-fuzz/seeds
"$work/seeds" -out "$OUT"
"$work/seeds" -list >"$work/targets"

while read -r package function name; do
	compile_native_go_fuzzer_v2 "$package" "$function" "$name" </dev/null
	# It says so when it does not find a function, and succeeds.
	[[ -x $OUT/$name ]] || { echo "build.sh: $package $function: no program was made of it" >&2; exit 1; }
done <"$work/targets"
