#!/usr/bin/env bash
# Posts a text as a comment on the pull request whose head is a given commit. It finds an earlier
# comment by the marker in its first line and edits it. The pull request's number comes from GitHub,
# never from an artifact, and by its head: the list of a commit's pull requests is empty for a fork's.
# Without a text, or a pull request whose head it still is, it ends quietly.
#
#   GH_TOKEN=... REPO=owner/name HEAD_SHA=... [HEAD_OWNER=... HEAD_BRANCH=...] ci/comment.sh FILE
set -euo pipefail

body=$1
if [ ! -s "$body" ]; then
  echo "no $body: there is nothing to say" >&2
  exit 0
fi
marker=$(head -n 1 "$body")
args=(--method GET --paginate "repos/$REPO/pulls" --field state=open --field per_page=100)
if [ -n "${HEAD_OWNER:-}" ] && [ -n "${HEAD_BRANCH:-}" ]; then args+=(--raw-field "head=$HEAD_OWNER:$HEAD_BRANCH"); fi
number=$(HEAD_SHA=$HEAD_SHA gh api "${args[@]}" --jq '.[] | select(.head.sha == env.HEAD_SHA) | .number' | sed -n 1p)
if [ -z "$number" ]; then
  echo "::notice::no open pull request has $HEAD_SHA for its head"
  exit 0
fi
mine=$(MARKER=$marker gh api --paginate "repos/$REPO/issues/$number/comments" \
  --jq '.[] | select(.user.type == "Bot" and (.body | startswith(env.MARKER))) | .id' | sed -n 1p)
if [ -n "$mine" ]; then
  gh api --method PATCH "repos/$REPO/issues/comments/$mine" --field "body=@$body" --silent
else
  gh api --method POST "repos/$REPO/issues/$number/comments" --field "body=@$body" --silent
fi
