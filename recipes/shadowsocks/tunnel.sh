#!/bin/sh
# Both sides derive their keys from one password.
# tunnelbench: carries=streams params=cipher
set -eu
command -v ss-tunnel >/dev/null || { echo 'no ss-tunnel: tunnelbench recipes install shadowsocks' >&2; exit 127; }
cipher=${TB_PARAM_CIPHER:-chacha20-ietf-poly1305}
if [ "$TB_SIDE" = left ]; then
    host=${TB_LISTEN%:*} host=${host#[} host=${host%]} # without the brackets of an IPv6 address
    exec ss-tunnel -s "$TB_PEER" -p 4000 -b "$host" -l "${TB_LISTEN##*:}" -L "$TB_TARGET" -k "$TB_RUN" -m "$cipher" --no-delay
fi
exec ss-server -s "$TB_LOCAL" -p 4000 -k "$TB_RUN" -m "$cipher" --no-delay
