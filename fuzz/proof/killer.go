package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// killer is what has to notice a bug: a fuzz target, or a test where no input could show it, such as a race.
type killer struct {
	target string // name of a fuzz target; empty: a test
	pkg    string // folder of the test in the module
	test   string // its name
}

func target(name string) killer    { return killer{target: name} }
func test(pkg, name string) killer { return killer{pkg: pkg, test: name} }

func (k killer) String() string {
	if k.target != "" {
		return k.target
	}
	return k.test
}

// errSilent is of a test that says nothing about itself: it was renamed, or skipped.
var errSilent = errors.New("the test did not run")

// runTest runs a test of the build with the bugs, one of which may be active.
func (p *proof) runTest(ctx context.Context, k killer, active string) (failed bool, spent time.Duration, err error) {
	binary, err := p.testBinary(ctx, k.pkg)
	if err != nil {
		return false, 0, err
	}
	cmd := exec.CommandContext(ctx, binary, "-test.v", "-test.run", "^"+regexp.QuoteMeta(k.test)+"$", "-test.timeout", p.limit.String())
	cmd.Dir = filepath.Join(p.root, filepath.FromSlash(k.pkg))
	cmd.Env = append(os.Environ(), "TB_PLANTED="+active)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		return false, 0, err
	}
	spent = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	text := string(out)
	switch {
	case err == nil && strings.Contains(text, "--- PASS: "+k.test+" "):
		return false, spent, nil
	case err != nil && strings.Contains(text, "=== RUN   "+k.test+"\n"):
		return true, spent, ctx.Err()
	}
	return false, spent, fmt.Errorf("%w: %v: %s", errSilent, err, out)
}

// testBinary builds the tests of a package with the bugs, once.
func (p *proof) testBinary(ctx context.Context, pkg string) (string, error) {
	path := filepath.Join(p.out, strings.ReplaceAll(pkg, "/", "-")+".test")
	if p.tests[pkg] {
		return path, nil
	}
	cmd := exec.CommandContext(ctx, "go", append(append([]string{"test", "-c"}, p.flags...), "-o", path, "./"+pkg)...)
	cmd.Dir = p.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	p.tests[pkg] = true
	return path, nil
}

// tryTest runs the test of a bug without it, which must pass, and with it.
func (p *proof) tryTest(ctx context.Context, b bug) (kill, error) {
	k := kill{Bug: b.name, Class: b.class, Test: b.by.pkg + "." + b.by.test, Oracle: "test"}
	switch failed, _, err := p.runTest(ctx, b.by, ""); {
	case err != nil:
		return k, err
	case failed:
		return k, errors.New("the test fails without the bug, too")
	}
	begin := time.Now()
	var err error
	k.Found, k.CPU, err = p.runTest(ctx, b.by, b.name)
	k.Time = time.Since(begin)
	return k, err
}
