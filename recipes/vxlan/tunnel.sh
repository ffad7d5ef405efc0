#!/bin/sh
set -eu
command -v ip >/dev/null || { echo 'no ip: tunnelbench recipes install vxlan' >&2; exit 127; }
ip link add "$TB_DEV" mtu "$TB_MTU" type vxlan id 9 dstport 4789 \
    local "$TB_LOCAL" remote "$TB_PEER" dev "$TB_WAN" || exit 127
ip link set "$TB_DEV" up
exec sleep infinity
