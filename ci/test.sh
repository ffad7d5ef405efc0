#!/usr/bin/env bash
# The README's test command. As root it runs everything and nothing may be left
# out; else the pure part, and the names of what was left out. Packages run one
# after the other: one lab at a time, and timing tests want the cores.
set -euo pipefail
cd "$(dirname "$0")/.."
go=${GO:-go}

if [ "$(id -u)" -eq 0 ] && [ "$(uname -s)" = Linux ]; then
	TB_MUST_RUN=1 exec "$go" test -count=1 -p 1 -timeout 20m ./... # a busy machine repeats many trials
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
"$go" test -v -p 1 ./... >"$log" 2>&1 || status=$?
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
