# Sourced by build.sh and ../libfuzzer.sh: puts go-118-fuzz-build_v2 on the PATH,
# which makes an archive with LLVMFuzzerTestOneInput of a native target.
#
# The images of OSS-Fuzz have it, but it reads source with the parser of the Go that built
# it, and stumbles over the source of a later one: then it is built again, at the commit that
# OSS-Fuzz has. And it replaces files of package testing, which go does not let happen
# where it downloads toolchains to: such a toolchain is copied out.
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
