#!/bin/sh
# VTun from a client on the right to a server on the left, without encryption or compression. proto=udp or tcp.
# tunnelbench: params=proto
set -eu
command -v vtund >/dev/null || { echo 'no vtund: apt install vtun' >&2; exit 127; }
mount -t tmpfs tmpfs /run # its pid file and its locks
umask 077
ip tuntap add "$TB_DEV" mode tun
ip link set "$TB_DEV" up
cat >"$TB_SIDE.conf" <<END
options { port 5000; bindaddr { addr $TB_LOCAL; }; }
lab { passwd $TB_RUN; type tun; device $TB_DEV; proto ${TB_PARAM_PROTO:-udp}; compress no; encrypt no; keepalive yes; persist keep; }
END
[ "$TB_SIDE" = right ] || exec vtund -n -s -f "$TB_SIDE.conf" -P 5000 -L "$TB_LOCAL"
exec vtund -n -f "$TB_SIDE.conf" -p -P 5000 lab "$TB_PEER"
