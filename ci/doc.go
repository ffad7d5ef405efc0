// Package ci keeps the project itself in order. For now it is tests only:
//
//	deps_test.go   who may import whom; who may call the kernel, the clock or leave a test out
//	docs_test.go   every command in README.md and docs/ is one that works
//	test.sh        the README's test command, which .ci/run calls
//
// The gate that compares two runs will live here, too.
package ci
