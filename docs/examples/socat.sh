#!/bin/sh
# A TUN device joined to UDP by socat: plain.
set -eu
command -v socat >/dev/null || { echo 'no socat: apt install socat' >&2; exit 127; }
exec socat -b 65536 "TUN,tun-name=$TB_DEV,tun-type=tun,iff-no-pi,iff-up" \
    "UDP4-DATAGRAM:$TB_PEER:4000,bind=$TB_LOCAL:4000"
