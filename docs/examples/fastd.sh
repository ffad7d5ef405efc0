#!/bin/sh
# fastd with the method null, which encrypts nothing, or another: exec:fastd.sh:method=aes128-gcm,seals=aes128-gcm
# tunnelbench: params=method up-timeout=60s
set -eu
command -v fastd >/dev/null || { echo 'no fastd: apt install fastd' >&2; exit 127; }
other=right; [ "$TB_SIDE" = right ] && other=left
umask 077
echo "secret \"$(fastd --generate-key --machine-readable)\";" >"$TB_SIDE.secret"
fastd --show-key --machine-readable -c "$TB_SIDE.secret" >"$TB_SIDE.new" && mv "$TB_SIDE.new" "$TB_SIDE.pub"
while [ ! -f "$other.pub" ]; do sleep 0.05; done
cat >"$TB_SIDE.conf" <<END
include "$TB_SIDE.secret";
mode tun; interface "$TB_DEV"; mtu $TB_MTU; bind $TB_LOCAL:4000; method "${TB_PARAM_METHOD:-null}";
peer "$other" { key "$(cat "$other.pub")"; remote $TB_PEER:4000; }
on up "ip link set $TB_DEV up";
END
exec fastd -c "$TB_SIDE.conf" >&2
