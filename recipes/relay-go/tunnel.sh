#!/bin/sh
# tunnelbench: carries=streams
set -eu
PATH=/usr/local/lib/tunnelbench/relay-go:$PATH
command -v relay >/dev/null || { echo 'no relay: tunnelbench recipes install relay-go' >&2; exit 127; }
if [ "$TB_SIDE" = left ]; then
    exec relay "$TB_LISTEN" "$TB_PEER:4000"
fi
exec relay "$TB_LOCAL:4000" "$TB_TARGET"
