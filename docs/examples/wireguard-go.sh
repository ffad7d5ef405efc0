#!/bin/sh
# An end of WireGuard: wireguard-go, with the keys that the lab gives it. Its control socket is named after the
# interface, in a folder of the whole machine; the script gives each side a /run of its own, so that several are
# up at once.
# tunnelbench: contract=2 seals=chacha20-poly1305 up-timeout=30s
set -eu
command -v wg >/dev/null || { echo 'no wg: apt install wireguard-tools' >&2; exit 127; }
command -v wireguard-go >/dev/null || { echo 'no wireguard-go: apt install wireguard-go' >&2; exit 127; }
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
LOG_LEVEL=error exec wireguard-go -f "$TB_DEV"
