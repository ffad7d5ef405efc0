package fuzz

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/fuzz/report"
)

var (
	testPanicked = regexp.MustCompile(`(?m)^\s*panic: (?:oracle ([a-z-]+): )?(.*?)(?: \[recovered.*)?$`)
	testFailed   = regexp.MustCompile(`(?m)^\s+(\S+_test\.go):(\d+): (.*)$`)
)

var frameLine = regexp.MustCompile(`^\s+(\S+\.go):(\d+)(?: \+0x[0-9a-f]+)?$`)

// stackIn returns the stack of the first goroutine in the output of a crash, without the frames of the
// runtime, go test and the oracles.
func stackIn(output string) (stack []report.StackFrame) {
	function, within := "", false
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, "\n")
		trimmed := strings.TrimSpace(line)
		switch m := frameLine.FindStringSubmatch(line); {
		case strings.HasPrefix(trimmed, "goroutine "):
			if within {
				return stack
			}
			within = true
		case within && trimmed == "" && len(stack) > 0:
			return stack
		case within && m != nil && !isForeign(function):
			stack = append(stack, report.StackFrame{Function: shortFunction(function), File: shortFile(m[1]), Line: int(number(m[2]))})
		case within && m == nil:
			function, _, _ = strings.Cut(trimmed, "(0x")
			function = strings.TrimSuffix(strings.TrimSuffix(function, "(...)"), "({...})")
		}
	}
	return stack
}

func isForeign(function string) bool {
	for _, prefix := range []string{"runtime.", "runtime/", "testing.", "panic(", "reflect.", "created by "} {
		if strings.HasPrefix(function, prefix) {
			return true
		}
	}
	return isOracle(function)
}

// faultOf reads the output of go test for one input.
func faultOf(output string) Fault {
	if strings.Contains(output, "test timed out after") {
		return Fault{Oracle: oracle.Time, Seen: fmt.Sprintf("no answer within %v", inputLimit)}
	}
	if m := testPanicked.FindStringSubmatch(output); m != nil {
		if m[1] == "" {
			m[1] = oracle.Panic
		}
		return Fault{Oracle: m[1], Seen: oneLine(m[2]), Stack: stackIn(output)}
	}
	if m := testFailed.FindStringSubmatch(output); m != nil {
		return Fault{Oracle: oracle.Agreement, Seen: oneLine(m[3]), Stack: []report.StackFrame{{Function: "test", File: m[1], Line: int(number(m[2]))}}}
	}
	return Fault{Oracle: oracle.Panic, Seen: oneLine(firstLine(output)), Stack: stackIn(output)}
}
