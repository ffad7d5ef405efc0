package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

// checkBuilds starts every other build once.
func checkBuilds(ctx context.Context, devices []dut.Device) error {
	for _, d := range devices {
		if d.Build == "" {
			continue
		}
		if why := buildFault(ctx, d.Build); why != "" {
			return cli.BadUsage("%s: the build does not start: %s version: %s", d.Spec, d.Build, why)
		}
	}
	return nil
}

// buildFault says what is wrong with a build; empty when it starts.
func buildFault(ctx context.Context, path string) string {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "version")
	cmd.WaitDelay = time.Second // it may have left somebody with its output
	out, err := cmd.CombinedOutput()
	switch {
	case err != nil:
		return err.Error()
	case !strings.HasPrefix(string(out), "tunnelbench"):
		return fmt.Sprintf("says %q, as no tunnelbench does", firstWords(string(out)))
	}
	return ""
}

func firstWords(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line[:min(len(line), 80)]
}
