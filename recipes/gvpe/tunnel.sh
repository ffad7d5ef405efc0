#!/bin/sh
# GVPE between two nodes, over UDP, on a TAP device.
set -eu
for program in gvpe gvpectrl; do
    command -v $program >/dev/null || { echo "no $program: apt install gvpe" >&2; exit 127; }
done
side=$TB_SIDE other=right left=$TB_LOCAL right=$TB_PEER
[ "$side" = left ] || other=left left=$TB_PEER right=$TB_LOCAL
umask 077
mkdir -p "$side/pubkey"
cat >"$side/gvpe.conf" <<END
ifname = $TB_DEV
mtu = 2000
pid-file = $TB_DIR/%s.pid
if-up = if-up
compress = no
udp-port = 4000
enable-udp = yes
node = left
hostname = $left
node = right
hostname = $right
END
printf '#!/bin/sh\nexec ip link set %s mtu %s up\n' "$TB_DEV" "$TB_MTU" >"$side/if-up"
chmod +x "$side/if-up"
if [ ! -f "$side/hostkey" ]; then
    gvpectrl -q -c "$side" -g "$side/pubkey/$side" >&2
    mv "$side/pubkey/$side.privkey" "$side/hostkey"
fi
cp "$side/pubkey/$side" "$side.new"
mv "$side.new" "$side.public"
until [ -f "$other.public" ]; do sleep 0.05; done
cp "$other.public" "$side/pubkey/$other"
exec gvpe -c "$side" -D -l notice "$side" >&2
