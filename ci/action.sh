#!/usr/bin/env bash
# The steps of action.yml: which revisions, both judges, and what their exit statuses mean for the
# job. The inputs come from the pull request, as variables: nothing is spliced into this script.
#
#   DUT= BUILD= BASE= HEAD= POLICY= JUDGE= INCONCLUSIVE=   the inputs
#   EVENT= PULL_BASE= PULL_HEAD= QUEUE_BASE= PUSH_BEFORE=  of the event; empty where it has none
#   TUNNELBENCH=path ROOT=folder of this action
#
# A job that is cancelled gets SIGINT, SIGTERM 7.5 s later, and SIGKILL 2.5 s after that, this process
# alone: what it runs as root has to be ended by root. What a kill leaves, the argument clean removes,
# which action.yml runs whatever happened.
set -euo pipefail

# The folder of root's caches, and the process that runs as root, with its start (proc(5)), since the
# number alone may be another's by now.
state=${RUNNER_TEMP:-out}/tunnelbench-action
caches='' running='' begun=''
note() { printf '%s\n' "$caches" "$running" "$(start_of "$running")" >"$state"; }
start_of() {
	local stat=''
	if [ -n "$1" ]; then stat=$(cat "/proc/$1/stat" 2>/dev/null) || true; fi
	read -ra stat <<<"${stat##*) }"
	echo "${stat[19]:-}"
}

# leave ends what runs as root, and gives back or removes what root has written.
leave() {
	trap - EXIT
	trap '' INT TERM
	if [ -n "$running" ] && [ -e "/proc/$running" ]; then
		kill -TERM "$running" 2>/dev/null || sudo kill -TERM "$running" || true
		for _ in {1..60}; do # a gate takes its namespaces down, and saves
			[ -e "/proc/$running" ] || break
			sleep 0.1
		done
		if [ -e "/proc/$running" ]; then sudo pkill -KILL -P "$running" || true; fi
	fi
	case $caches in /var/tmp/tunnelbench-action.*) sudo rm -rf -- "$caches" ;; esac
	if [ -d out ]; then sudo chown -R -- "$(id -u):$(id -g)" out; fi
	rm -f -- "$state"
}

if [ "${1:-}" = clean ]; then
	[ -f "$state" ] || exit 0
	{ read -r caches && read -r running && read -r begun; } <"$state" || true
	case $running in *[!0-9]*) running='' ;; esac
	if [ "$(start_of "$running")" != "$begun" ]; then running=''; fi
	leave
	exit 0
fi

say() { echo "::$1::$2"; }
commit() { git rev-parse --quiet --verify --end-of-options "$1^{commit}" 2>/dev/null || true; }

# Only the commit that is checked out is sure to be here.
if [ "$EVENT" = pull_request_target ] && [ -z "$HEAD" ]; then
	say notice 'pull_request_target checks out the base: name head, or use pull_request, which has no secrets'
	exit 0
fi
[ -n "$HEAD" ] || HEAD=$(commit HEAD)

# GitHub merges the pull request into what its base is now. The event's base may be older: then other
# people's changes would be taken for this one's.
if [ -z "$BASE" ]; then
	case $EVENT in
	pull_request | pull_request_target)
		if [ -n "$PULL_HEAD" ] && [ "$(commit "$HEAD^2")" = "$PULL_HEAD" ]; then
			BASE=$(commit "$HEAD^1")
		else
			BASE=$(git merge-base "$PULL_BASE" "$HEAD" 2>/dev/null || true)
			[ -n "$BASE" ] || BASE=$PULL_BASE
		fi
		;;
	merge_group) BASE=$QUEUE_BASE ;;
	push) # after a forced push, what was there before is on no branch
		BASE=$(commit "$PUSH_BEFORE")
		[ -n "$BASE" ] || say notice "$PUSH_BEFORE is gone: the gate takes the commit before $HEAD"
		;;
	esac
	case $BASE in *[!0]*) ;; *) BASE=$HEAD^ ;; esac # a new branch was nowhere before
fi
if [ -z "$(commit "$BASE")" ] || [ -z "$(commit "$HEAD")" ]; then
	say error "the gate needs $BASE and $HEAD: give actions/checkout fetch-depth: 0"
	exit 2
fi

# One policy for both judges, and for the workflow that writes the comment.
[ -n "$POLICY" ] || POLICY=$ROOT/ci/gate/policy.yaml
mkdir -p out/gate out/count # by the user, so that the next checkout can remove them
cp -- "$POLICY" out/gate/policy.yaml

# Root's builds have caches of their own, outside of all that belongs to the user: the next job could
# not remove what root has left there. Modules that the user has are not fetched again.
trap leave EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
caches=$(sudo mktemp -d /var/tmp/tunnelbench-action.XXXXXX)
note
own=("PATH=$PATH" "HOME=$HOME" "XDG_CACHE_HOME=$caches" "GOCACHE=$caches/go-build" "GOMODCACHE=$caches/mod")
if mod=$(go env GOMODCACHE) && proxy=$(go env GOPROXY); then own+=("GOPROXY=file://$mod/cache/download,$proxy"); fi

args=(--dut "$DUT" --base "$BASE" --head "$HEAD" --policy out/gate/policy.yaml)
[ -z "$BUILD" ] || args+=(--build "$BUILD")

# root COMMAND: runs it as root, in the background: the shell would put off a signal until it ends.
root() {
	local status=0
	sudo "$@" &
	running=$!
	note
	wait "$running" || status=$?
	running=''
	note
	return "$status"
}
gate() { root env "${own[@]}" "$TUNNELBENCH" gate "${args[@]}" "$@"; }

# judged NAME STATUS FILE: adds the text to the job's page, and ends the job if the change fails.
judged() {
	if [ -f "$3" ]; then cat -- "$3" >>"$GITHUB_STEP_SUMMARY"; fi
	case $2 in
	0) ;;
	4 | 5)
		say warning "$1 has no verdict (exit status $2)"
		if [ "$INCONCLUSIVE" = fail ] && { [ "$JUDGE" != both ] || [ "$1" = 'the gate' ]; }; then exit "$2"; fi
		;;
	*) exit "$2" ;;
	esac
}

if [ "$JUDGE" != time ] && ! command -v qemu-system-x86_64 >/dev/null; then
	{ root apt-get update -qq && root apt-get install -y -qq --no-install-recommends qemu-system-x86 linux-image-virtual; } >/dev/null || true
fi
if [ "$JUDGE" != time ] && command -v qemu-system-x86_64 >/dev/null; then
	status=0
	gate --count --out out/count || status=$?
	judged counting "$status" out/count/count.md
	[ "$JUDGE" != count ] || exit 0
fi
sudo modprobe -a vxlan tun veth || true # a kernel may have them built in
status=0
gate --out out/gate || status=$?
judged 'the gate' "$status" out/gate/gate.md
