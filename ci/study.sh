#!/usr/bin/env bash
# Studies of the gate. Each run appends a line to a file in docs/study, and a stopped study continues
# after its last line. METRICS defaults to all metrics of the policy.
#
#   sudo ci/study.sh aa N [METRICS]      N gates of HEAD against itself in other layouts, 16 pairs each
#   sudo ci/study.sh same N [METRICS]    N gates, to their verdicts, of HEAD against HEAD with another text in it
#   sudo ci/study.sh slow N [METRICS]    the same of HEAD against HEAD with ci/slowdown.patch
set -euo pipefail
cd "$(dirname "$0")/.."

kind=$1 times=$2 metrics=${3:-}
mkdir -p docs/study
lines=docs/study/$kind.jsonl
touch "$lines"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

gate() { bin/tunnelbench gate "$@" ${metrics:+--metrics "$metrics"} --out "$out/gate" > "$out/log" 2>&1; }

git clone --quiet --shared . "$out/repo"
case $kind in
aa) ;;
same) sed -i 's/"print the version"/"print the version and the build"/' "$out/repo/cmd/tunnelbench/version.go" ;;
slow) git -C "$out/repo" apply "$PWD/ci/slowdown.patch" ;;
*) echo "study.sh: $kind: aa, same or slow" >&2; exit 2 ;;
esac
if [ "$kind" != aa ]; then
  git -C "$out/repo" diff --quiet && { echo "study.sh: the change has no place to go" >&2; exit 1; }
  git -C "$out/repo" -c user.name=study -c user.email=study@localhost commit --quiet --all --message "$kind"
fi
# samples prints a side's values of all metrics, in the order of gate.txt.
samples() {
  awk -v side="$1" '$1 == "side:" { now = $2 } /^Benchmark/ && now == side { printf "%s%s", (n++ ? "," : ""), $3 }' "$out/gate/gate.txt"
}

for ((i = $(wc -l < "$lines") + 1; i <= times; i++)); do
  status=0 from=$SECONDS
  if [ "$kind" = aa ]; then
    gate --aa --seed "$i" --wait --noise "$out/noise.json" || { cat "$out/log" >&2; exit 1; }
    gate "$out/gate/base.json" "$out/gate/head.json" --noise "$out/none" || status=$?
  else
    gate --repo "$out/repo" --base HEAD~1 --head HEAD --seed "$i" --wait --noise "$out/none" || status=$?
  fi
  head -n 1 <(grep -E '^[A-Z ]+: ' "$out/log") || cat "$out/log"
  printf '{"seed":%d,"exit":%d,"seconds":%d,"base":[%s],"head":[%s],"gate":%s}\n' \
    "$i" "$status" $((SECONDS - from)) "$(samples base)" "$(samples head)" "$(tr -d '\n' < "$out/gate/gate.json")" >> "$lines"
done
