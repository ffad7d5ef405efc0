# Sourced by build.sh and ../libfuzzer.sh: puts go-118-fuzz-build_v2 on the PATH,
# which builds an archive with LLVMFuzzerTestOneInput from a native target.
#
# The images of OSS-Fuzz contain it, but it fails on source that needs a later Go than the Go that
# built it. Then it is built again, at the commit that OSS-Fuzz uses. It also replaces files of
# package testing, which is not allowed in a toolchain that go downloaded: such a toolchain is copied.
adapter=github.com/AdamKorcz/go-118-fuzz-build@v0.0.0-20250911191804-fc5dc53b9db8

adapt() { # FOLDER, which has to stay
	local goroot tool
	goroot=$(go env GOROOT)
	if [[ $goroot == "$(go env GOMODCACHE)"/* ]]; then
		cp -r "$goroot" "$1/go"
		chmod -R u+w "$1/go"
		export GOROOT=$1/go PATH=$1/go/bin:$PATH GOTOOLCHAIN=local
	fi
	tool=$(command -v go-118-fuzz-build_v2 || true)
	if [[ -n $tool && $(go version "$tool") == *": $(go env GOVERSION)" ]]; then
		return
	fi
	GOBIN=$1/bin go install "$adapter" || return
	mv "$1/bin/go-118-fuzz-build" "$1/bin/go-118-fuzz-build_v2"
	export PATH=$1/bin:$PATH
}
