package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/cli"
)

// Files come before words: whatever becomes of standard output, the files are written and the status of
// a verdict stands.
func TestFilesBeforeWords(t *testing.T) {
	slow, slowHead := recordedGate{first: 16, second: 16, slower: 0.2}.write(t)
	fine, fineHead := recordedGate{first: 16}.write(t)
	results, campaign := "../../fuzz/text/results.json", "../../fuzz/report/testdata/fuzz.json"
	for _, c := range []struct {
		name, line   string
		file         string // below the output folder
		gone, noRoom int    // exit status if the reader of a pipe is gone, and if the disk is full
	}{
		{"report", "report --out OUT " + results, "report.html", cli.ExitOK, cli.ExitMachine},
		{"two reports", "report --out OUT " + results + " " + results, "run2-rate.png", cli.ExitOK, cli.ExitMachine},
		{"a campaign", "fuzz report --out OUT " + campaign, "fuzz.html", cli.ExitOK, cli.ExitMachine},
		{"a regression", "gate --metrics " + rate64 + " --out OUT --history OUT.jsonl " + slow + " " + slowHead, "gate.json", cli.ExitFinding, cli.ExitFinding},
		{"no regression", "gate --metrics " + rate64 + " --out OUT " + fine + " " + fineHead, "gate.json", cli.ExitOK, cli.ExitMachine},
	} {
		for how, shell := range map[string]string{"full disk": `"$@" >/dev/full`, "closed pipe": `"$@" >$PIPE`} {
			t.Run(c.name+", "+how, func(t *testing.T) {
				out := filepath.Join(t.TempDir(), "out")
				cmd, _, errs := program(t, strings.ReplaceAll(shell, "$PIPE", "&1"), strings.Fields(strings.ReplaceAll(c.line, "OUT", out))...)
				want := c.noRoom
				if how == "closed pipe" {
					want = c.gone
					read, write, err := os.Pipe()
					if err != nil {
						t.Fatal(err)
					}
					read.Close()
					defer write.Close()
					cmd.Stdout = write
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				if code := exitStatus(t, cmd); code != want {
					t.Errorf("exit status %d, want %d: %s", code, want, errs)
				}
				if _, err := os.Stat(filepath.Join(out, c.file)); err != nil {
					t.Error(err)
				}
				if _, err := os.Stat(out + ".jsonl"); strings.Contains(c.line, "--history") && err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// What cannot be printed is no success, whichever verb it is, unless its reader has read enough.
func TestWordsThatCannotBePrinted(t *testing.T) {
	for _, line := range []string{"list", "fuzz list", "version", "help", "search --simulate capacity=437kpps --goal pdr"} {
		for shell, want := range map[string]int{`"$@" >/dev/full`: cli.ExitMachine, `"$@" | true`: cli.ExitOK} {
			cmd, _, errs := program(t, shell, strings.Fields(line)...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if code := exitStatus(t, cmd); code != want {
				t.Errorf("%s, %s: exit status %d, want %d: %s", line, shell, code, want, errs)
			}
		}
	}
}

// What the writer would refuse in the end is refused before anything is measured.
func TestRefusedBeforeMeasuring(t *testing.T) {
	dir := t.TempDir()
	long := filepath.Join(dir, strings.Repeat("d/", 130), "program")
	if err := os.MkdirAll(filepath.Dir(long), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(long, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "results.json"), 0o755); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"run --dut reference@" + long:                                  "at most 240",
		"trial --load 1kpps --dut reference@" + long:                   "at most 240",
		"ab plain reference@" + long:                                   "at most 240",
		"run --dut exec:/bin/" + strings.Repeat("x", 250):              "at most 240",
		"run --dut vxlan --out " + dir:                                 "results.json is a directory",
		"gate --base HEAD --history " + dir + " --out " + dir + "/out": "--history",
		"gate --base HEAD --history /dev/full/x --out " + dir + "/out": "--history",
		"run --dut vxlan --out /dev/null/x":                            "--out",
		"run --dut vxlan --out /proc/self":                             "--out",
		"report --out /sys/kernel ../../fuzz/text/results.json":        "--out",
		"ab plain vxlan --rounds 12 --size 64 --out " + dir:            "results.json is a directory",
	} {
		code, _, errs := call("", strings.Fields(line)...)
		if code != cli.ExitUsage || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, want) {
			t.Errorf("%.60s: exit status %d: %s", line, code, errs)
		}
	}
}
