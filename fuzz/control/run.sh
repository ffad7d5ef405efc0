#!/bin/bash
# The positive control: each target has a minute to find its fault from an empty
# corpus. Exit status: 0 both were found, 4 one was not, 5 Go is not installed.
set -euo pipefail
cd "$(dirname "$0")"

limit=${1:-60} # seconds each

command -v go >/dev/null || { echo "control: Go is not installed" >&2; exit 5; }

# Run in a copy: go test writes findings beside the source, and the corpus would
# no longer be empty.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go test -c -vet=off -fuzz=. -o "$work/control.test" .

TIMEFORMAT='%R %U %S'
missed=0
attack() { # TARGET FUNCTION
	local target=$1 function=$2 spent verdict=found
	mkdir "$work/$target"
	spent=$({ time (cd "$work/$target" && ../control.test -test.run='^$' -test.fuzz="^$target\$" -test.fuzztime="${limit}s" \
		-test.fuzzminimizetime=0x -test.fuzzcachedir="$PWD/cache" >said 2>&1 || true); } 2>&1)
	if ! grep -qF 'panic: runtime error' "$work/$target/said" || ! grep -qF "$function" "$work/$target/said"; then
		verdict='NOT FOUND' missed=4
		tail -5 "$work/$target/said" >&2
	fi
	awk -v target="$target" -v verdict="$verdict" '{printf "%-8s %-10s %6.2f s %6.2f CPU-s\n", target, verdict, $1, $2 + $3}' <<<"$spent"
}

echo "google/gopacket $(go list -m -f '{{.Version}}' github.com/google/gopacket), nothing to begin with, at most $limit s each"
attack FuzzGRE 'layers.(*GRE).DecodeFromBytes('
attack FuzzGTP 'layers.(*GTPv1U).DecodeFromBytes('
exit "$missed"
