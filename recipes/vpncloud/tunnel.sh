#!/bin/sh
# VpnCloud asks the kernel for the address that it would have on the Internet, by a socket to 8.8.8.8 on which nothing is
# sent, and ends without an answer: a route to the loopback device gives it one.
# tunnelbench: params=algorithm
set -eu
PATH=/usr/local/lib/tunnelbench/vpncloud:$PATH
command -v vpncloud >/dev/null || { echo 'no vpncloud: tunnelbench recipes install vpncloud' >&2; exit 127; }
ip route replace 8.8.8.8 dev lo
exec vpncloud --type tun --mode hub --device "$TB_DEV" --listen "$TB_LOCAL:4000" --peer "$TB_PEER:4000" --password "$TB_RUN" \
    --algorithm "${TB_PARAM_ALGORITHM:-aes128}" --no-port-forwarding --no-auto-claim --ifup "ip link set $TB_DEV mtu $TB_MTU up" >&2
