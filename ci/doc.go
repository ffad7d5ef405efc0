// Package ci contains the project's own checks: tests and the scripts that CI calls. The gate for
// pull requests is package ci/gate.
//
//	deps_test.go   who may import whom; who may call the kernel, the clock or leave a test out
//	docs_test.go   every command in README.md and docs/ is one that works
//	test.sh        the README's test command, which .ci/run calls
package ci
