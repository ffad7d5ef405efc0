#!/bin/bash
# Builds a libFuzzer program from a target of this module:
#
#	fuzz/libfuzzer.sh [--v2] PACKAGE FUNCTION OUTPUT
#	fuzz/libfuzzer.sh ./fuzz/wire FuzzHeader /tmp/header && /tmp/header -max_total_time=10
#
#	harness ──go build, -d=libfuzzer──> archive with LLVMFuzzerTestOneInput ──clang──> program
#
# FUNCTION is the native target. The program calls its harness, which has the same name without
# Fuzz. With --v2 it calls the native target itself, built with the tool of OSS-Fuzz (oss-fuzz/v2.sh).
# Both take inputs unchanged. The Go compiler instruments both.
#
# Nothing is written to the source tree. Exit status: 2 bad usage, 5 a build tool
# is missing.
set -euo pipefail

usage() { echo "usage: libfuzzer.sh [--v2] PACKAGE FUNCTION OUTPUT" >&2; exit 2; }
missing() { echo "libfuzzer.sh: $1" >&2; exit 5; }

v2=
if [[ ${1:-} == --v2 ]]; then v2=1; shift; fi
[[ $# == 3 && $2 == Fuzz?* && -n $3 ]] || usage
function=$2 output=$(realpath -m "$3")

command -v go >/dev/null || missing "no Go toolchain"
command -v clang >/dev/null || missing "no clang: libFuzzer is its library"

here=$(dirname "$(realpath "$0")")
package=$(go list -f '{{.ImportPath}}' "$1")
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT

# direct builds an archive of the harness.
direct() {
	cat >"$work/main.go" <<-GO
		package main

		// #include <stddef.h>
		import "C"

		import (
			"unsafe"

			"github.com/tunnelbench/tunnelbench/fuzz/oracle"
			target "$package"
		)

		var attack = oracle.Harness(target.${function#Fuzz})

		//export LLVMFuzzerTestOneInput
		func LLVMFuzzerTestOneInput(data *C.char, size C.size_t) C.int {
			attack(oracle.Exact(unsafe.Slice((*byte)(unsafe.Pointer(data)), int(size))))
			return 0
		}

		func main() {}
	GO
	go build -buildmode=c-archive -tags libfuzzer -gcflags=all=-d=libfuzzer -o "$work/target.a" "$work/main.go"
}

# native builds an archive of the native target, and a shim, because the tool's
# archive consumes the first byte of each input.
native() {
	source "$here/oss-fuzz/v2.sh"
	adapt "$work" || missing "no go-118-fuzz-build_v2, and it cannot be had: see above"
	local tree=$work/tree root
	root=$(go list -f '{{.Module.Dir}}' "$package")
	mkdir "$tree"
	tar -C "$root" -c --exclude=./.git --exclude=./bin --exclude=./out . | tar -C "$tree" -x # it rewrites files
	(cd "$tree" && go-118-fuzz-build_v2 -tags gofuzz -o "$work/target.a" -func "$function" "$(go list -f '{{.Dir}}' "$package")") || exit 1
	cat >"$work/shim.c" <<-'C'
		#include <stdint.h>
		#include <stdlib.h>
		#include <string.h>

		int __real_LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

		int __wrap_LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
		{
			uint8_t *input = calloc(size + 1, 1);
			memcpy(input + 1, data, size);
			int result = __real_LLVMFuzzerTestOneInput(input, size + 1);
			free(input);
			return result;
		}
	C
}

if [[ $v2 ]]; then
	native
	clang -fsanitize=fuzzer -Wl,--wrap=LLVMFuzzerTestOneInput "$work/shim.c" "$work/target.a" -o "$work/program"
else
	direct
	clang -fsanitize=fuzzer "$work/target.a" -o "$work/program"
fi
mkdir -p "$(dirname "$output")"
mv "$work/program" "$output"
