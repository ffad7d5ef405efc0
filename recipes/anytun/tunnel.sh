#!/bin/sh
# anytun between two peers with a shared passphrase. cipher=null and auth=null encrypt nothing.
# tunnelbench: params=cipher,auth
set -eu
command -v anytun >/dev/null || { echo 'no anytun: apt install anytun' >&2; exit 127; }
role=left
[ "$TB_SIDE" = left ] || role=right
(
    until ip link set "$TB_DEV" up 2>/dev/null; do sleep 0.05; done
) &
exec anytun -D -L stderr:2 -i "$TB_LOCAL" -p 4444 -r "$TB_PEER" -o 4444 -4 -d "$TB_DEV" -t tun -e "$role" \
    -E "$TB_RUN" -c "${TB_PARAM_CIPHER:-null}" -a "${TB_PARAM_AUTH:-null}"
