#!/bin/sh
# The right runs an sshd of its own with keys of this bring-up; the left logs in and forwards the port.
# tunnelbench: carries=streams params=cipher
set -eu
PATH=$PATH:/usr/sbin
command -v sshd >/dev/null || { echo 'no sshd: tunnelbench recipes install ssh-forward' >&2; exit 127; }
command -v ssh >/dev/null || { echo 'no ssh: tunnelbench recipes install ssh-forward' >&2; exit 127; }
if [ "$TB_SIDE" = right ]; then
    ssh-keygen -q -t ed25519 -N '' -f host_key
    ssh-keygen -q -t ed25519 -N '' -f login_key
    mkdir -p /run/sshd
    touch ready
    exec "$(command -v sshd)" -D -e -f /dev/null -p 4000 -h "$PWD/host_key" -o "ListenAddress=$TB_LOCAL" -o PidFile=none \
        -o StrictModes=no -o "AuthorizedKeysFile=$PWD/login_key.pub" -o PermitRootLogin=yes -o LogLevel=ERROR -o UsePAM=no
fi
until [ -f ready ]; do sleep 0.05; done
until ssh -F /dev/null -N -i login_key -p 4000 -L "$TB_LISTEN:$TB_TARGET" -c "${TB_PARAM_CIPHER:-chacha20-poly1305@openssh.com}" \
    -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ExitOnForwardFailure=yes -o LogLevel=ERROR root@"$TB_PEER"; do sleep 0.1; done
