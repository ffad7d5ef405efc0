#!/usr/bin/env bash
# Posts a text as a comment on the pull request whose head is a given commit. It finds an earlier
# comment by the marker in its first line and edits it. The pull request's number comes from GitHub,
# never from an artifact.
#
#   GH_TOKEN=... REPO=owner/name HEAD_SHA=... ci/comment.sh FILE
set -euo pipefail

body=$1
marker=$(head -n 1 "$body")
number=$(gh api "repos/$REPO/commits/$HEAD_SHA/pulls" --jq '[.[] | select(.state == "open")][0].number // empty')
if [ -z "$number" ]; then
  echo "no open pull request has $HEAD_SHA for its head" >&2
  exit 0
fi
mine=$(MARKER=$marker gh api --paginate "repos/$REPO/issues/$number/comments" \
  --jq '.[] | select(.user.type == "Bot" and (.body | startswith(env.MARKER))) | .id' | head -n 1)
if [ -n "$mine" ]; then
  gh api --method PATCH "repos/$REPO/issues/comments/$mine" --field "body=@$body" --silent
else
  gh api --method POST "repos/$REPO/issues/$number/comments" --field "body=@$body" --silent
fi
