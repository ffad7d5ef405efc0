#!/bin/sh
# Builds the programs of the language set into a folder: install.sh FOLDER [c|go|rust|node ...], and notes there by
# what they were built. A language whose compiler is missing is left out, and named.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || { echo 'usage: install.sh FOLDER [c|go|rust|node ...]' >&2; exit 2; }
mkdir -p "$1"
into=$(cd "$1" && pwd)
shift
[ $# -gt 0 ] || set -- c go rust node
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# missing PROGRAM MEND: says so if a program is not there.
missing() {
	command -v "$1" >/dev/null && return 1
	echo "lang-$language is left out: no $1: $2" >&2
}

versions=
for language; do
	case $language in
	c)
		missing gcc 'apt install gcc libc6-dev' && continue
		# shellcheck disable=SC2086 # several flags
		gcc -std=c11 -Wall -Wextra -pthread ${CFLAGS:--O2} -o "$into/lang-c" "$here"/c/*.c
		version="gcc $(gcc -dumpfullversion)"
		;;
	go)
		missing go 'see https://go.dev/dl' && continue
		mkdir "$work/go"
		cp "$here"/go/*.go "$work/go"
		for file in go.mod go.sum; do cp "$here/go/$file"* "$work/go/$file"; done # or .txt
		(cd "$work/go" && GOWORK=off GOFLAGS='' CGO_ENABLED=0 go build -trimpath -o "$into/lang-go" ./*.go)
		version=$(go env GOVERSION)
		;;
	rust)
		missing cargo 'see https://rustup.rs' && continue
		cargo build --quiet --locked --release --manifest-path "$here/rust/Cargo.toml" --target-dir "$work/rust"
		cp "$work/rust/release/lang-rust" "$into"
		version=$(rustc --version | cut -d ' ' -f 1-2)
		;;
	node)
		missing node 'apt install nodejs' && continue
		missing perl 'apt install perl' && continue
		cp "$here"/node/*.js "$into"
		chmod 755 "$into/lang-node.js"
		version="node $(node --version)"
		;;
	*)
		echo "no language $language: write c, go, rust or node" >&2
		exit 2
		;;
	esac
	versions="$versions${versions:+, }$version"
done
echo "$versions" >"$into/versions"
