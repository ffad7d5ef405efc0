#!/bin/sh
# tunnelbench: carries=streams
set -eu
command -v socat >/dev/null || { echo 'no socat: apt install socat' >&2; exit 127; }
if [ "$TB_SIDE" = left ]; then
    exec socat "TCP-LISTEN:${TB_LISTEN##*:},fork,reuseaddr,nodelay" "TCP4:$TB_PEER:4000,nodelay"
fi
exec socat "TCP4-LISTEN:4000,bind=$TB_LOCAL,fork,reuseaddr,nodelay" "TCP:$TB_TARGET,nodelay"
