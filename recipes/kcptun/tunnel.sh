#!/bin/sh
# tunnelbench: carries=streams params=mode,crypt
set -eu
command -v kcptun-client >/dev/null || { echo 'no kcptun-client: tunnelbench recipes install kcptun' >&2; exit 127; }
set -- --mode "${TB_PARAM_MODE:-fast}" --crypt "${TB_PARAM_CRYPT:-aes}" --key "$TB_RUN" --nocomp --quiet
if [ "$TB_SIDE" = left ]; then
    exec kcptun-client -l "$TB_LISTEN" -r "$TB_PEER:4000" "$@"
fi
exec kcptun-server -l "$TB_LOCAL:4000" -t "$TB_TARGET" "$@"
