#!/bin/sh
# A process for each connection; between the two sides TCP, or TLS with a certificate that the left checks.
# tunnelbench: carries=streams params=carrier
set -eu
command -v socat >/dev/null || { echo 'no socat: tunnelbench recipes install socat-relay' >&2; exit 127; }
command -v openssl >/dev/null || { echo 'no openssl: tunnelbench recipes install socat-relay' >&2; exit 127; }
far="TCP4:$TB_PEER:4000,nodelay" near="TCP4-LISTEN:4000,bind=$TB_LOCAL,fork,reuseaddr,nodelay"
if [ "${TB_PARAM_CARRIER:-tcp}" = tls ]; then
    far="OPENSSL:$TB_PEER:4000,cafile=right.crt,commonname=right,nodelay"
    near="OPENSSL-LISTEN:4000,bind=$TB_LOCAL,pf=ip4,fork,reuseaddr,nodelay,cert=right.crt,key=right.key,verify=0"
    if [ "$TB_SIDE" = right ]; then
        (umask 077; openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=right -keyout right.key -out right.new 2>/dev/null)
        mv right.new right.crt
    fi
    until [ -f right.crt ]; do sleep 0.05; done
fi
if [ "$TB_SIDE" = left ]; then
    exec socat -b 65536 "TCP4-LISTEN:${TB_LISTEN##*:},bind=${TB_LISTEN%:*},fork,reuseaddr,nodelay" "$far"
fi
exec socat -b 65536 "$near" "TCP:$TB_TARGET,nodelay"
