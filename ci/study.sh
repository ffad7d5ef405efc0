#!/usr/bin/env bash
# Studies of the gate, resumable: each run adds a line to a file of docs/study, and a study that
# was stopped goes on behind its last line.
#
#   sudo ci/study.sh aa N METRICS        N gates of HEAD against itself, 16 pairs each
#   sudo ci/study.sh slow N METRICS      N gates of HEAD against HEAD with ci/slowdown.patch
set -euo pipefail
cd "$(dirname "$0")/.."

kind=$1 times=$2 metrics=$3
mkdir -p docs/study
lines=docs/study/$kind.jsonl
touch "$lines"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

if [ "$kind" = slow ]; then
  git clone --quiet --shared . "$out/repo"
  git -C "$out/repo" apply "$PWD/ci/slowdown.patch"
  git -C "$out/repo" -c user.name=study -c user.email=study@localhost commit --quiet --all --message "a slowdown"
fi
# samples are a side's values of all metrics, in the order of gate.txt.
samples() {
  awk -v side="$1" '$1 == "side:" { now = $2 } /^Benchmark/ && now == side { printf "%s%s", (n++ ? "," : ""), $3 }' "$out/gate/gate.txt"
}

for ((i = $(wc -l < "$lines") + 1; i <= times; i++)); do
  status=0
  if [ "$kind" = aa ]; then
    bin/tunnelbench gate --aa --seed "$i" --metrics "$metrics" --wait --out "$out/gate" --noise "$out/noise.json" > "$out/log" 2>&1 || { cat "$out/log" >&2; exit 1; }
    bin/tunnelbench gate "$out/gate/base.json" "$out/gate/head.json" --metrics "$metrics" --out "$out/gate" --noise "$out/none" > "$out/log" 2>&1 || status=$?
  else
    bin/tunnelbench gate --repo "$out/repo" --base HEAD~1 --head HEAD --seed "$i" --metrics "$metrics" --wait --out "$out/gate" --noise "$out/none" > "$out/log" 2>&1 || status=$?
  fi
  head -n 1 <(grep -E '^[A-Z ]+: ' "$out/log") || cat "$out/log"
  printf '{"seed":%d,"exit":%d,"base":[%s],"head":[%s],"gate":%s}\n' \
    "$i" "$status" "$(samples base)" "$(samples head)" "$(tr -d '\n' < "$out/gate/gate.json")" >> "$lines"
done
