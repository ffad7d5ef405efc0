#!/bin/sh
# OpenVPN between two peers. cipher=none: without TLS, packets as they are; otherwise TLS 1.3 with certificates,
# each side knowing the other's by its fingerprint. proto=tcp carries it over TCP.
# tunnelbench: params=cipher,proto
set -eu
for program in openvpn openssl; do
    command -v $program >/dev/null || { echo "no $program: apt install openvpn openssl" >&2; exit 127; }
done
side=$TB_SIDE other=right role=server proto=${TB_PARAM_PROTO:-udp}
[ "$side" = left ] || { other=left role=client; }
[ "$proto" = udp ] || proto=tcp-$role
set -- --dev "$TB_DEV" --dev-type tun --tun-mtu "$TB_MTU" --mssfix 0 --proto "$proto" --local "$TB_LOCAL" \
    --remote "$TB_PEER" --port 1194 --connect-retry 1 --keepalive 10 60 --persist-tun --verb 1

if [ "${TB_PARAM_CIPHER:-none}" = none ]; then
    set -- "$@" --cipher none --auth none
else
    umask 077
    [ -f "$side.crt" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
        -subj "/CN=$side" -keyout "$side.key" -out "$side.crt" 2>/dev/null
    openssl x509 -in "$side.crt" -noout -fingerprint -sha256 >"$side.new"
    mv "$side.new" "$side.fingerprint"
    until [ -f "$other.fingerprint" ]; do sleep 0.05; done
    set -- "$@" --tls-$role --dh none --tls-version-min 1.3 --data-ciphers "$TB_PARAM_CIPHER" \
        --cert "$side.crt" --key "$side.key" --peer-fingerprint "$(cut -d= -f2 "$other.fingerprint")"
fi
(
    until ip link set "$TB_DEV" up 2>/dev/null; do sleep 0.05; done
) &
exec openvpn "$@" >&2
