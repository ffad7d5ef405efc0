#!/bin/sh
# QuickTun between two peers. protocol=raw encrypts nothing, protocol=nacltai seals.
# tunnelbench: params=protocol
set -eu
for program in quicktun keypair; do
    command -v $program >/dev/null || { echo "no $program: apt install quicktun" >&2; exit 127; }
done
side=$TB_SIDE other=right
[ "$side" = left ] || other=left
umask 077
[ -f "$side.pair" ] || keypair >"$side.pair"
sed -n 's/^PUBLIC: *//p' "$side.pair" >"$side.new"
mv "$side.new" "$side.public"
until [ -f "$other.public" ]; do sleep 0.05; done
(
    until ip link set "$TB_DEV" up 2>/dev/null; do sleep 0.05; done
) &
exec env IFACE="$TB_DEV" IF_QT_TUN_MODE=1 IF_QT_PROTOCOL="${TB_PARAM_PROTOCOL:-raw}" IF_QT_TIME_WINDOW=60 \
    IF_QT_LOCAL_ADDRESS="$TB_LOCAL" IF_QT_LOCAL_PORT=2998 IF_QT_REMOTE_ADDRESS="$TB_PEER" IF_QT_REMOTE_PORT=2998 \
    IF_QT_PRIVATE_KEY="$(sed -n 's/^SECRET: *//p' "$side.pair")" IF_QT_PUBLIC_KEY="$(cat "$other.public")" quicktun >&2
