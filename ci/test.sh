#!/usr/bin/env bash
# The README's test command. As root it tests in two lanes at once: the packages that need the
# machine, first those that open the lab, of which there is one; and beside them the pure ones and
# the emulated machine. The lab's tests wait for frames most of their time. No test may be skipped then. Without root it names and
# skips the tests that need root.
set -euo pipefail
cd "$(dirname "$0")/.."
go=${GO:-go}

list=$(mktemp) log=$(mktemp)
trap 'rm -f "$list" "$log"' EXIT

# Only tests with special requirements on the machine import internal/testenv.
"$go" list -f '{{.ImportPath}} {{join .TestImports " "}} {{join .XTestImports " "}}' ./... >"$list"
machine=$(awk '/\/internal\/testenv( |$)/ { print $1 }' "$list")
pure=$(awk '!/\/internal\/testenv( |$)/ { print $1 }' "$list")

if [ "$(id -u)" -eq 0 ] && [ "$(uname -s)" = Linux ]; then
	labs=$("$go" list -test -f '{{.ImportPath}} {{join .Deps " "}}' $machine |
		awk '$1 ~ /\.test$/ && /\/internal\/lab( |$)/ { sub(/\.test$/, "", $1); print $1 }')
	others=$(grep -vxF "$labs" <<<"$machine")
	emulated=$(grep '/emulated/' <<<"$others")
	others=$(grep -vxF "$emulated" <<<"$others")
	export TB_MUST_RUN=1
	status=0
	{
		beside=0
		"$go" test -count=1 -timeout 20m $pure || beside=$?
		"$go" test -count=1 -p 1 -timeout 20m $emulated || beside=$?
		exit "$beside"
	} >"$log" 2>&1 &
	lane=$!
	"$go" test -count=1 -p 1 -timeout 20m $labs || status=$? # a busy machine repeats many trials
	wait "$lane" || status=$?
	"$go" test -count=1 -p 1 -timeout 20m $others || status=$?
	cat "$log"
	command -v qemu-system-x86_64 >/dev/null || echo 'LEFT OUT: the emulated machine: no qemu-system-x86_64 (tunnelbench doctor)'
	exit "$status"
fi

status=0
"$go" test -v $pure $machine >"$log" 2>&1 || status=$?
grep -Ev '^(=== |\? )|^ *--- (PASS|SKIP)|^PASS$|LEFT OUT' "$log" || true
left=$(grep -E '^ *--- SKIP' "$log" | awk '{print $3}' | sort) || true
if [ -n "$left" ]; then
	cat <<END

************************************************************************
LEFT OUT, because it needs Linux and root: $(wc -l <<<"$left" | tr -d ' ') tests
$(sed 's/^/    /' <<<"$left")
All of it: sudo env "PATH=\$PATH" make test
************************************************************************
END
fi
exit "$status"
