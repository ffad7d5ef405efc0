#!/bin/sh
# A tunnel that dies under load.
THEN='sleep 2'
. "$(dirname "$0")/vxlan.sh"
echo 'out of descriptors' >&2
exit 1
