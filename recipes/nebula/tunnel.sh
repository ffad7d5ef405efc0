#!/bin/sh
# Two Nebula hosts without a lighthouse: each knows the other's address. The left one makes the authority that signs
# both certificates; they allow the tester's networks as unsafe ones, which are behind a host.
# tunnelbench: params=cipher
set -eu
PATH=/usr/local/lib/tunnelbench/nebula:$PATH
for program in nebula nebula-cert; do
    command -v $program >/dev/null || { echo "no $program: tunnelbench recipes install nebula" >&2; exit 127; }
done
other=right; [ "$TB_SIDE" = right ] && other=left
umask 077
if [ "$TB_SIDE" = left ] && [ ! -f ca.crt ]; then
    nebula-cert ca -name lab -out-crt ca.new -out-key ca.key
    mv ca.new ca.crt
fi
# What is behind this side is what the other side is told.
echo "$TB_NETS,$TB_NETS6 ${TB_INNER%/*} ${TB_INNER6%/*}" >"$other.new" && mv "$other.new" "$other.nets"
while [ ! -f ca.crt ] || [ ! -f "$TB_SIDE.nets" ] || [ ! -f "$other.nets" ]; do sleep 0.05; done
read -r nets peer peer6 <"$TB_SIDE.nets"
[ -f "$TB_SIDE.crt" ] || nebula-cert sign -name "$TB_SIDE" -networks "$TB_INNER,$TB_INNER6" -unsafe-networks "$nets" \
    -out-crt "$TB_SIDE.crt" -out-key "$TB_SIDE.key"
cat >"$TB_SIDE.yml" <<END
pki: {ca: ca.crt, cert: $TB_SIDE.crt, key: $TB_SIDE.key}
static_host_map: {"$peer": ["$TB_PEER:4242"], "$peer6": ["$TB_PEER:4242"]}
lighthouse: {am_lighthouse: false}
listen: {host: 0.0.0.0, port: 4242}
cipher: ${TB_PARAM_CIPHER:-aes}
tun:
  dev: $TB_DEV
  mtu: $TB_MTU
  unsafe_routes:
    - {route: $TB_NETS, via: $peer, install: false}
    - {route: "$TB_NETS6", via: "$peer6", install: false}
logging: {level: warning}
firewall:
  default_local_cidr_any: true
  outbound: [{port: any, proto: any, host: any}]
  inbound: [{port: any, proto: any, host: any}]
END
# Nebula gives its interface the addresses of the certificate. The lab lets no interface have IPv6 before it does so itself.
echo 1 >/proc/sys/net/ipv6/conf/default/addr_gen_mode && echo 0 >/proc/sys/net/ipv6/conf/default/disable_ipv6
exec nebula -config "$TB_SIDE.yml" >&2
