#!/bin/sh
# A tunnel that is up and carries nothing: its ends do not know each other.
[ "$TB_SIDE" = left ] && ID=10
. "$(dirname "$0")/vxlan.sh"
