#!/usr/bin/env bash
# Records the sets in ci/gate/testdata/recorded for TestRecordedSets: gates of HEAD on a machine that
# is disturbed on purpose, and of a head that crashes.
#
#   sudo ci/record.sh
set -euo pipefail
cd "$(dirname "$0")/.."

out=$(mktemp -d)
pids=()
stop() { ((${#pids[@]} == 0)) || kill "${pids[@]}" 2> /dev/null || true; pids=(); }
trap 'stop; rm -rf "$out"' EXIT

# hog takes all cores for $1 seconds.
hog() {
  for ((core = 0; core < $(nproc); core++)); do
    timeout "$1" taskset -c "$core" sh -c 'while :; do :; done' || true &
  done
  wait
}
burst() { while :; do hog 2; sleep 9; done; }                                    # the host steals, now and then
bimodal() { while :; do hog 0.4; sleep 0.2; if ((RANDOM % 6 == 0)); then sleep 12; fi; done; } # busy for a while, quiet for a while
drift() { for ((ms = 10; ; ms += 4)); do hog "0.$(printf %03d $((ms < 900 ? ms : 900)))"; sleep 1; done; } # ever busier

keep() { mkdir -p "ci/gate/testdata/recorded/$1"; cp "$out"/gate/{base,head}.json "ci/gate/testdata/recorded/$1/"; }
gate() { bin/tunnelbench gate --metrics closed_loop_rate/64 --noise "$out/none" --out "$out/gate" --time 90s "$@" || true; }

for kind in burst bimodal drift; do
  "$kind" & pids=($!)
  gate --aa
  stop
  keep "$kind"
done

git clone --quiet --shared . "$out/repo"
sed -i 's/^func (e \*encap) work(b \*batch) {/&\n\tif len(b.datagrams) > 40 {\n\t\tpanic("planted")\n\t}/' "$out/repo/reference/encap.go"
git -C "$out/repo" -c user.name=record -c user.email=record@localhost commit --quiet --all --message crash
gate --repo "$out/repo" --base HEAD~1 --head HEAD
keep crash
