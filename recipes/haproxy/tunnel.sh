#!/bin/sh
# TLS 1.3 between the two, with a certificate that the left checks; one thread each.
# tunnelbench: carries=streams
set -eu
command -v haproxy >/dev/null || { echo 'no haproxy: tunnelbench recipes install haproxy' >&2; exit 127; }
command -v openssl >/dev/null || { echo 'no openssl: tunnelbench recipes install haproxy' >&2; exit 127; }
if [ "$TB_SIDE" = left ]; then
    until [ -f right.crt ]; do sleep 0.05; done
    accept=$TB_LISTEN server="$TB_PEER:4000 ssl verify required ca-file $PWD/right.crt ssl-min-ver TLSv1.3"
else
    (umask 077; openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=right -keyout right.key -out right.new 2>/dev/null; cat right.new right.key >right.pem)
    mv right.new right.crt
    accept="$TB_LOCAL:4000 ssl crt $PWD/right.pem ssl-min-ver TLSv1.3" server=$TB_TARGET
fi
cat >"$TB_SIDE.cfg" <<CFG
global
    nbthread 1
defaults
    mode tcp
    timeout connect 5s
    timeout client 10m
    timeout server 10m
listen relay
    bind $accept
    server far $server
CFG
exec haproxy -db -q -f "$TB_SIDE.cfg"
