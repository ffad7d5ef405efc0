#!/bin/sh
# VXLAN by the kernel, as one side of a tunnel under test: docs/exec.md.
set -eu
command -v ip >/dev/null || { echo 'no ip command: install iproute2' >&2; exit 127; }

# What this machine cannot do is unsupported (127), with ip's own words on stderr.
ip link add "$TB_DEV" mtu "$TB_MTU" type vxlan id 9 dstport 4789 \
	local "$TB_LOCAL" remote "$TB_PEER" dev "$TB_WAN" || exit 127
ip link set "$TB_DEV" up

# The kernel carries the packets. Stay until SIGTERM ends sleep; the interface
# goes with its namespace.
exec sleep infinity
