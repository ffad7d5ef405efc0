#!/bin/sh
# tinc 1.0 between two nodes. cipher=none leaves the data plain; tcp=yes carries it over the TCP connection of the nodes.
# tunnelbench: params=cipher,tcp
set -eu
command -v tincd >/dev/null || { echo 'no tincd: apt install tinc' >&2; exit 127; }
side=$TB_SIDE other=right
[ "$side" = left ] || other=left
mkdir -p "$side/hosts"
printf 'Name = %s\nMode = router\nDeviceType = tun\nInterface = %s\nAddressFamily = ipv4\nBindToAddress = %s\n' \
    "$side" "$TB_DEV" "$TB_LOCAL" >"$side/tinc.conf"
[ "$side" = left ] || echo 'ConnectTo = left' >>"$side/tinc.conf"
printf '#!/bin/sh\nexec ip link set %s up\n' "$TB_DEV" >"$side/tinc-up"
chmod +x "$side/tinc-up"

# The networks behind this side are the ones that the other side is told.
printf 'Subnet = %s\nSubnet = %s\n' "$TB_NETS" "$TB_NETS6" >"$side.new"
mv "$side.new" "$other.behind"
until [ -f "$side.behind" ]; do sleep 0.05; done
if [ ! -f "$side/rsa_key.priv" ]; then # tinc adds its public key to the file
    {
        printf 'Address = %s\nSubnet = %s\nSubnet = %s\n' "$TB_LOCAL" "${TB_INNER%/*}" "${TB_INNER6%/*}"
        cat "$side.behind"
        [ "${TB_PARAM_CIPHER:-}" != none ] || printf 'Cipher = none\nDigest = none\n'
        [ "${TB_PARAM_TCP:-no}" = no ] || echo 'TCPOnly = yes'
    } >"$side/hosts/$side"
    tincd -c "$side" -K 2048 </dev/null 2>/dev/null
fi
cp "$side/hosts/$side" "$side.new"
mv "$side.new" "$side.host"
until [ -f "$other.host" ]; do sleep 0.05; done
cp "$other.host" "$side/hosts/$other"
exec tincd -c "$side" -D -d1 --pidfile="$TB_DIR/$side.pid"
