#!/bin/sh
set -eu
PATH=/usr/local/lib/tunnelbench/water:$PATH
command -v water-naive >/dev/null || { echo 'no water-naive: tunnelbench recipes install water' >&2; exit 127; }
(
    until ip link set "$TB_DEV" mtu "$TB_MTU" up 2>/dev/null; do sleep 0.05; done
) &
exec water-naive "$TB_DEV" "$TB_LOCAL:4000" "$TB_PEER:4000"
