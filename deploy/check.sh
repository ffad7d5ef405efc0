#!/usr/bin/env bash
# Checks what other machines run: the workflows by actionlint, the manifests by kubeconform against
# the schemas of Kubernetes that the Python package kubernetes-validate brings along.
set -euo pipefail
cd "$(dirname "$0")/.."
go=${GO:-go}
kubernetes=1.37.0

schemas=$(mktemp -d)
trap 'rm -rf "$schemas"' EXIT

"$go" run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
python3 -m pip download -q --no-deps -d "$schemas" "kubernetes-validate==$kubernetes"
python3 -m zipfile -e "$schemas"/*.whl "$schemas"
# The schemas refer to each other by the address of the documentation: here they do by the local server's.
cd "$schemas/kubernetes_validate/kubernetes-json-schema/v$kubernetes-local-strict"
python3 -u -m http.server 0 --bind 127.0.0.1 >"$schemas/log" 2>&1 &
server=$!
trap 'kill "$server"; rm -rf "$schemas"' EXIT
until grep -q ' port ' "$schemas/log"; do sleep 0.1; done
served=http://127.0.0.1:$(sed -n '1s/.* port \([0-9]*\).*/\1/p' "$schemas/log")
sed -i 's#"/api/_definitions.json\##"'"$served"'/_definitions.json\##g' ./*.json
cd - >/dev/null
"$go" run github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0 -strict -summary \
	-schema-location "$served/{{ .ResourceKind }}{{ .KindSuffix }}.json" deploy/k8s/*.yaml
