#!/bin/sh
# An end of WireGuard with the keys that the lab gives it. The control socket is named after the interface, in /run: each
# side gets one of its own.
# tunnelbench: contract=2 up-timeout=30s
set -eu
PATH=/usr/local/lib/tunnelbench/gotatun:$PATH
for program in wg gotatun; do
    command -v $program >/dev/null || { echo "no $program: tunnelbench recipes install gotatun" >&2; exit 127; }
done
mount -t tmpfs tmpfs /run
umask 077
cat >/run/wg.conf <<CONF
[Interface]
PrivateKey = $TB_WG_PRIVATE_KEY
ListenPort = $TB_WG_PORT
[Peer]
PublicKey = $TB_WG_PEER_PUBLIC_KEY
${TB_WG_PRESHARED_KEY:+PresharedKey = $TB_WG_PRESHARED_KEY}
Endpoint = $TB_WG_ENDPOINT
AllowedIPs = 0.0.0.0/0, ::/0
CONF
(
    until [ -S "/run/wireguard/$TB_DEV.sock" ]; do sleep 0.05; done
    wg setconf "$TB_DEV" /run/wg.conf
    ip link set "$TB_DEV" mtu "$TB_MTU" up
) &
exec gotatun --foreground --disable-drop-privileges --verbosity error "$TB_DEV" >&2
