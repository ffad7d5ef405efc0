#!/bin/sh
# The right runs an sshd of its own with keys of this bring-up; the left logs in and forwards the port. They read no file of
# the user's and none of /etc/ssh.
# tunnelbench: carries=streams params=cipher
set -eu
for program in sshd ssh ssh-keygen; do
    command -v $program >/dev/null || { echo "no $program: tunnelbench recipes install ssh-forward" >&2; exit 127; }
done
mount -t tmpfs tmpfs /run
mkdir -m 755 /run/sshd
umask 077
if [ "$TB_SIDE" = right ]; then
    [ -f host_key ] || ssh-keygen -q -t ed25519 -N '' -f host_key
    [ -f login_key ] || ssh-keygen -q -t ed25519 -N '' -f login_key
    touch ready
    exec "$(command -v sshd)" -D -e -f /dev/null -p 4000 -h "$PWD/host_key" -o "ListenAddress=$TB_LOCAL" -o PidFile=none \
        -o StrictModes=no -o "AuthorizedKeysFile=$PWD/login_key.pub" -o PermitRootLogin=prohibit-password -o LogLevel=ERROR -o UsePAM=no
fi
until [ -f ready ]; do sleep 0.05; done
exec ssh -F none -N -i login_key -p 4000 -L "$TB_LISTEN:$TB_TARGET" -c "${TB_PARAM_CIPHER:-chacha20-poly1305@openssh.com}" \
    -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o GlobalKnownHostsFile=none -o ExitOnForwardFailure=yes \
    -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes -o ConnectionAttempts=20 -o LogLevel=ERROR "root@$TB_PEER"
