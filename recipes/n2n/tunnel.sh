#!/bin/sh
# One end of n2n: edge makes a TAP; the supernode by which the two find each other runs on the left.
set -eu
for program in ip ifconfig edge supernode; do
    command -v $program >/dev/null || { echo "no $program: apt install n2n net-tools iproute2" >&2; exit 127; }
done
number=2 super=$TB_PEER
if [ "$TB_SIDE" = left ]; then
    number=1 super=$TB_LOCAL
    supernode -l 7654 >&2 &
    sleep 0.2
    touch supernode
fi
until [ -e supernode ]; do sleep 0.05; done
# edge insists on an address, sets it and raises the interface; the lab wants none.
(until ip address del "10.77.0.$number/24" dev "$TB_DEV" 2>/dev/null; do sleep 0.05; done) &
exec edge -d "$TB_DEV" -a "10.77.0.$number" -s 255.255.255.0 -c lab -k "$TB_RUN" -l "$super:7654" -p 7655 -M "$TB_MTU" -r >&2
