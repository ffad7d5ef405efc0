#!/bin/sh
# A TUN device joined to a TCP connection by socat. Nothing marks where a packet ends in the stream, so this answers
# a ping and breaks under load: it is here to see whether the lab notices.
set -eu
command -v socat >/dev/null || { echo 'no socat: apt install socat' >&2; exit 127; }
tcp="TCP4:$TB_PEER:4000,forever,interval=0.1"
[ "$TB_SIDE" = right ] || tcp="TCP4-LISTEN:4000,bind=$TB_LOCAL,reuseaddr"
exec socat -b 65536 "TUN,tun-name=$TB_DEV,tun-type=tun,iff-no-pi,iff-up" "$tcp,nodelay"
