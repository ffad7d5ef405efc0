#!/bin/sh
# The left side is the HTTP/3 server, the right side its client.
set -eu
PATH=/usr/local/lib/tunnelbench/connect-ip:$PATH
command -v connect-ip >/dev/null || { echo 'no connect-ip: tunnelbench recipes install connect-ip' >&2; exit 127; }
if [ "$TB_SIDE" = left ]; then
    role="-listen $TB_LOCAL:443"
else
    role="-connect $TB_PEER:443"
fi
(
    until ip link set "$TB_DEV" mtu "$TB_MTU" up 2>/dev/null; do sleep 0.05; done
) &
exec connect-ip -dev "$TB_DEV" -cert cert.pem $role
