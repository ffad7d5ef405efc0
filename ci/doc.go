// Package ci contains the project's own checks: tests and the scripts that CI calls. The gate for
// pull requests is package ci/gate.
//
//	deps_test.go   allowed imports; which packages may use the kernel and the clock or skip tests
//	docs_test.go   the commands in README.md and docs/ are valid
//	test.sh        the README's test command, which .ci/run calls
package ci
