#!/bin/sh
# wireguard-go. Its control socket is named after the interface, in a folder of the whole machine; the script
# gives each side a /run of its own, so that several are up at once.
# tunnelbench: seals=chacha20-poly1305 up-timeout=30s
set -eu
command -v wg >/dev/null || { echo 'no wg: apt install wireguard-tools' >&2; exit 127; }
command -v wireguard-go >/dev/null || { echo "no wireguard-go: build golang.zx2c4.com/wireguard under this name" >&2; exit 127; }
mount -t tmpfs tmpfs /run
other=right; [ "$TB_SIDE" = right ] && other=left
umask 077
wg genkey >"$TB_SIDE.key"
wg pubkey <"$TB_SIDE.key" >"$TB_SIDE.new" && mv "$TB_SIDE.new" "$TB_SIDE.pub"
while [ ! -f "$other.pub" ]; do sleep 0.05; done
(
    until [ -S "/run/wireguard/$TB_DEV.sock" ]; do sleep 0.05; done
    wg set "$TB_DEV" listen-port 51820 private-key "$TB_SIDE.key" \
        peer "$(cat "$other.pub")" endpoint "$TB_PEER:51820" allowed-ips 0.0.0.0/0,::/0
    ip link set "$TB_DEV" up
) &
LOG_LEVEL=error exec wireguard-go -f "$TB_DEV"
