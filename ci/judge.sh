#!/usr/bin/env bash
# Judges the sets of another workflow again, by the policy that judged them there, and says so if it
# is not the one of this branch. Without sets it ends quietly.
#
#   ci/judge.sh FOLDER
set -euo pipefail

if [ ! -f "$1/base.json" ] || [ ! -f "$1/head.json" ]; then
	echo '::notice::the gate has measured nothing: there is nothing to judge'
	exit 0
fi
policy=()
[ ! -f "$1/policy.yaml" ] || policy=(--policy "$1/policy.yaml")
status=0
"${TUNNELBENCH:-bin/tunnelbench}" gate "$1/base.json" "$1/head.json" "${policy[@]}" --out out/gate || status=$?
echo "the gate's exit status: $status"
test -f out/gate/gate.md # without, the sets were none: exit status 2 has said why
if [ -f "$1/policy.yaml" ] && ! cmp -s "$1/policy.yaml" ci/gate/policy.yaml; then
	printf '\nJudged by the policy of the change, which is not the one of this branch.\n' >>out/gate/gate.md
fi
