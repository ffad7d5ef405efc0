#!/bin/sh
# The left side is the QUIC server, the right side its client. The program raises its interface itself.
set -eu
PATH=/usr/local/lib/tunnelbench/quinn:$PATH
command -v quinn-tunnel >/dev/null || { echo 'no quinn-tunnel: tunnelbench recipes install quinn' >&2; exit 127; }
if [ "$TB_SIDE" = left ]; then
    exec quinn-tunnel "$TB_DEV" "$TB_MTU" cert.der listen "$TB_LOCAL:4433"
fi
exec quinn-tunnel "$TB_DEV" "$TB_MTU" cert.der connect "$TB_PEER:4433"
