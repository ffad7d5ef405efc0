#!/bin/sh
# fastd between two peers. method=null encrypts nothing.
# tunnelbench: params=method
set -eu
command -v fastd >/dev/null || { echo 'no fastd: apt install fastd' >&2; exit 127; }
side=$TB_SIDE other=right
[ "$side" = left ] || other=left
umask 077
[ -f "$side.secret" ] || echo "secret \"$(fastd --generate-key --machine-readable)\";" >"$side.secret"
fastd --show-key --machine-readable -c "$side.secret" >"$side.new"
mv "$side.new" "$side.public"
until [ -f "$other.public" ]; do sleep 0.05; done
cat >"$side.conf" <<END
include "$side.secret";
mode tun; interface "$TB_DEV"; mtu $TB_MTU; bind $TB_LOCAL:4000; method "${TB_PARAM_METHOD:-null}";
peer "$other" { key "$(cat "$other.public")"; remote $TB_PEER:4000; }
on up "ip link set $TB_DEV up";
END
exec fastd -c "$side.conf" >&2
