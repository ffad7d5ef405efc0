#!/bin/sh
# A sound tunnel. The other scripts read this one and go wrong in their own ways.
set -eu
ip link add "$TB_DEV" mtu "$TB_MTU" type vxlan id "${ID:-9}" dstport 4789 local "$TB_LOCAL" remote "$TB_PEER" dev "$TB_WAN"
ip link set "$TB_DEV" up
${THEN:-exec sleep infinity}
