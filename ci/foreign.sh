#!/usr/bin/env bash
# Runs the gate on another project's tunnel: docs/examples/wireguard in its own repository, whose
# second commit delays every batch of packets before encryption. The gate must fail (exit status 3).
#
#   sudo ci/foreign.sh [OPTIONS OF tunnelbench gate]
set -euo pipefail
cd "$(dirname "$0")/.."

repo=$(mktemp -d)
trap 'rm -rf "$repo"' EXIT
cp docs/examples/wireguard/* "$repo"
commit() { git -C "$repo" -c user.name=study -c user.email=study@localhost commit --quiet --all --message "$1"; }
git -C "$repo" init --quiet
(cd "$repo" && go mod vendor)
git -C "$repo" add --all
commit "the tunnel"
sed -i 's/for elemsContainer := range device.queue.encryption.c {/&\n\t\ttime.Sleep(100 * time.Microsecond)/' "$repo/vendor/golang.zx2c4.com/wireguard/device/send.go"
git -C "$repo" diff --quiet && { echo "the sleep has no place to go" >&2; exit 1; }
commit "a sleep"
bin/tunnelbench gate --repo "$repo" --dut exec:tunnel.sh --build 'go build -mod=vendor -o wireguard .' --base HEAD~1 --head HEAD "$@"
