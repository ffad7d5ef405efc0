#!/usr/bin/env bash
# Runs every target of targets.txt for SECONDS_EACH seconds (default 10), from
# the module's root. Fails at the first finding and says where it lies.
set -euo pipefail
seconds=${SECONDS_EACH:-10}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Interesting input is minimized for a moment only: timing makes coverage
# vary, and the default of a minute each would leave no time for anything else.
native() { # package, function
	go test -run '^$' -fuzz "^$2\$" -fuzztime "${seconds}s" -fuzzminimizetime 20x "$1"
}

# go-fuzz runs until it is interrupted, so that ending in time is status 124.
# That it has run shows in coverage, or earlier in a corpus that has grown.
gofuzz() { # package, function
	local dir=$work/${1//\//_} status=0 crashers
	mkdir -p "$dir"
	cp -r "$1/corpus" "$dir/corpus"
	go tool go-fuzz-build -func "$2" -o "$dir/target.zip" "$1"
	timeout --signal=INT --kill-after=30 "$seconds" go tool go-fuzz -bin "$dir/target.zip" -workdir "$dir" 2>&1 |
		tee "$dir/log" || status=$?
	if [ "$status" -ne 124 ] ||
		{ ! grep -q 'cover: [1-9]' "$dir/log" && [ "$(ls "$dir/corpus" | wc -l)" -le "$(ls "$1/corpus" | wc -l)" ]; }; then
		echo "fuzz: go-fuzz $1 $2 did not run (status $status)" >&2
		return 1
	fi
	crashers=$(find "$dir/crashers" -type f 2>/dev/null | sort)
	if [ -n "$crashers" ]; then
		cp -r "$dir/crashers" "$1/crashers"
		cat "$1"/crashers/*.output >&2
		echo "fuzz: go-fuzz $1 $2: FOUND something; the input is in $1/crashers" >&2
		return 1
	fi
}

count=0
while read -r engine package function; do
	case $engine in
	'' | '#'*) continue ;;
	native) run=native ;;
	go-fuzz) run=gofuzz ;;
	*) echo "fuzz/targets.txt: engine $engine: use native or go-fuzz" >&2; exit 1 ;;
	esac
	echo "== $engine $package $function"
	"$run" "$package" "$function" </dev/null
	count=$((count + 1))
done <fuzz/targets.txt
[ "$count" -gt 0 ] || { echo "fuzz/targets.txt lists nothing" >&2; exit 1; }
echo "fuzz: $count targets, $seconds s each, nothing found"
