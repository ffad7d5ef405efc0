#!/bin/sh
# A tunnel whose interface goes down and up.
THEN=:
. "$(dirname "$0")/vxlan.sh"
while :; do
	sleep 0.4
	ip link set "$TB_DEV" down
	sleep 0.1
	ip link set "$TB_DEV" up
done
