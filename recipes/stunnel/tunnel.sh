#!/bin/sh
# TLS 1.3 between the two sides, with a certificate that the left checks.
# tunnelbench: carries=streams
set -eu
command -v stunnel4 >/dev/null || { echo 'no stunnel4: tunnelbench recipes install stunnel' >&2; exit 127; }
command -v openssl >/dev/null || { echo 'no openssl: tunnelbench recipes install stunnel' >&2; exit 127; }
common='foreground = yes
syslog = no
debug = err
pid =
[relay]
sslVersionMin = TLSv1.3
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1'
if [ "$TB_SIDE" = left ]; then
    until [ -f right.crt ]; do sleep 0.05; done
    cat >left.conf <<CONF
$common
client = yes
accept = $TB_LISTEN
connect = $TB_PEER:4000
CAfile = $PWD/right.crt
verifyPeer = yes
CONF
    exec stunnel4 left.conf
fi
umask 077
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=right -keyout right.key -out right.new 2>/dev/null
cat >right.conf <<CONF
$common
accept = $TB_LOCAL:4000
connect = $TB_TARGET
cert = $PWD/own.crt
key = $PWD/right.key
CONF
cp right.new own.crt
mv right.new right.crt
exec stunnel4 right.conf
