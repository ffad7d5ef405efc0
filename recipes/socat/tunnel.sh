#!/bin/sh
# A TUN device joined to a datagram socket by socat: plain UDP, or carrier=dtls.
# tunnelbench: params=carrier
set -eu
command -v socat >/dev/null || { echo 'no socat: apt install socat' >&2; exit 127; }
tun="TUN,tun-name=$TB_DEV,tun-type=tun,iff-no-pi,iff-up"
if [ "${TB_PARAM_CARRIER:-udp}" = udp ]; then
    exec socat -b 65536 "$tun" "UDP4-DATAGRAM:$TB_PEER:4000,bind=$TB_LOCAL:4000"
fi
command -v openssl >/dev/null || { echo 'no openssl: apt install openssl' >&2; exit 127; }
side=$TB_SIDE other=right
[ "$side" = left ] || other=left
umask 077
[ -f "$side.crt" ] || openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$side" \
    -keyout "$side.key" -out "$side.new" 2>/dev/null
[ -f "$side.crt" ] || mv "$side.new" "$side.crt"
until [ -f "$other.crt" ]; do sleep 0.05; done
tls="cert=$side.crt,key=$side.key,cafile=$other.crt,commonname=$other"
if [ "$side" = left ]; then
    exec socat -b 65536 "$tun" "OPENSSL-DTLS-SERVER:4000,bind=$TB_LOCAL,pf=ip4,$tls"
fi
exec socat -b 65536 "$tun" "OPENSSL-DTLS-CLIENT:$TB_PEER:4000,pf=ip4,$tls,forever,interval=0.1"
