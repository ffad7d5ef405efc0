#!/bin/sh
# The tunnel of OpenSSH (ssh -w) from a client on the right to a server on the left. Both make tun9, which is given
# its name here. They read no file of the user's and none of /etc/ssh.
# tunnelbench: params=cipher
set -eu
for program in ssh sshd ssh-keygen; do
    command -v $program >/dev/null || { echo "no $program: apt install openssh-client openssh-server" >&2; exit 127; }
done
mount -t tmpfs tmpfs /run
mkdir -m 755 /run/sshd
side=$TB_SIDE other=right cipher=${TB_PARAM_CIPHER:-chacha20-poly1305@openssh.com}
[ "$side" = left ] || other=left
umask 077
[ -f "$side.key" ] || ssh-keygen -q -t ed25519 -N '' -C "$side" -f "$side.key"
ssh-keygen -y -f "$side.key" >"$side.new"
mv "$side.new" "$side.public"
until [ -f "$other.public" ]; do sleep 0.05; done
(
    until ip link set tun9 name "$TB_DEV" 2>/dev/null; do sleep 0.05; done
    ip link set "$TB_DEV" up
) &
if [ "$side" = left ]; then
    cat >sshd.conf <<END
ListenAddress $TB_LOCAL:2222
HostKey $TB_DIR/$side.key
AuthorizedKeysFile $TB_DIR/$other.public
PermitRootLogin prohibit-password
PermitTunnel point-to-point
Ciphers $cipher
PidFile none
StrictModes no
UsePAM no
END
    exec "$(command -v sshd)" -D -e -f sshd.conf
fi
echo "[$TB_PEER]:2222 $(cat "$other.public")" >known
exec ssh -N -T -F none -i "$side.key" -p 2222 -w 9:9 -c "$cipher" -o Tunnel=point-to-point -o ExitOnForwardFailure=yes \
    -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes -o UserKnownHostsFile=known -o GlobalKnownHostsFile=none \
    -o ConnectionAttempts=20 "root@$TB_PEER"
