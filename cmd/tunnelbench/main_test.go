package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

func TestMain(m *testing.M) {
	netns.Helper()
	dut.Helper()
	lab.Helper()
	os.Exit(m.Run())
}

// call runs the command as a shell would.
func call(input string, args ...string) (code int, out, errs string) {
	var stdout, stderr bytes.Buffer
	code = run(context.Background(), args, streams{strings.NewReader(input), &stdout, &stderr})
	return code, stdout.String(), stderr.String()
}

// Every bad input is one line that names the cause, and exit status 2; nothing
// is opened or written before it is found.
func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("{\"schema\":\"x\"}"), 0o644); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"frobnicate":                                              "no verb",
		"run --dut nonesuch":                                      `dut "nonesuch": unknown`,
		"run --dut vxlan,vxlan":                                   "comes twice",
		"run --dut vxlan --sizes 63":                              "frame size 63",
		"run --dut vxlan --sizes 64,64":                           "comes twice",
		"run --dut vxlan --sizes big":                             `frame size "big"`,
		"run --dut vxlan --sizes 9000":                            "frame size 9000",
		"run --dut vxlan --profile hasty":                         "--profile",
		"run --dut vxlan --link fast":                             "--link",
		"run --dut vxlan --flows 0":                               "--flows 0",
		"run --dut vxlan --late -1s":                              "--late",
		"run --dut vxlan --tester-cpus x":                         "--tester-cpus",
		"run --dut vxlan --out " + file:                           "--out",
		"run --nonsense":                                          "--help",
		"run extra":                                               `unexpected "extra"`,
		"trial":                                                   "needs --dut and --load",
		"trial --dut vxlan --load 0kpps":                          "must be above zero",
		"trial --dut vxlan --load 1e9kpps":                        "paces from",
		"trial --dut vxlan --load fast":                           `load "fast"`,
		"trial --dut vxlan --load 1kpps --size 9999":              "frame size 9999",
		"trial --dut vxlan --load 1kpps --duration 0s":            "--duration",
		"trial --dut vxlan --load 10Mpps --duration 1h":           "make it shorter",
		"trial --dut exec:/no/such --load 1kpps":                  "no such file",
		"search":                                                  "either --replay",
		"search --replay x --simulate y":                          "either --replay",
		"search --simulate capacity=1kpps":                        "--goal",
		"search --simulate speed=1 --goal pdr":                    "capacity",
		"search --simulate capacity=1Mpps --goal nope":            "--help",
		"search --simulate capacity=1Mpps --goal pdr --min 2Mpps": "below --max",
		"search --replay /no/such/file --goal pdr":                "no such file",
		"search --replay " + file + " --goal pdr":                 file + ": line 1",
		"report":               "give one results.json",
		"report /no/such/file": "no such file",
		"report " + file:       file,
	} {
		code, out, errs := call("", strings.Fields(line)...)
		if code != exitUsage || !strings.Contains(errs, want) || strings.Count(errs, "\n") != 1 || out != "" {
			t.Errorf("%s: exit %d, %q and %q, want 2 and one line with %q", line, code, out, errs, want)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestEveryVerbHasHelpWithExamples(t *testing.T) {
	for _, v := range verbs {
		code, out, errs := call("", v.name, "--help")
		if code != exitOK || errs != "" || !strings.Contains(out, "Examples:\n  tunnelbench "+v.name) {
			t.Errorf("%s --help: exit %d, %q, %q", v.name, code, out, errs)
		}
	}
	if code, out, _ := call("", "--help"); code != exitOK || !strings.Contains(out, "doctor") {
		t.Errorf("--help: exit %d, %q", code, out)
	}
	if code, _, _ := call(""); code != exitUsage {
		t.Errorf("no arguments: exit %d, want 2", code)
	}
}

// Eleven good seconds of 21 decide a load; ten do not (RFC 9971).
func TestReplay(t *testing.T) {
	trial := `{"load_fps":1000,"duration_s":1,"effective_duration_s":1,"loss_ratio":0}` + "\n"
	goal := "loss=0.005,exceed=0.5,final=1s,sum=21s"
	code, out, errs := call(strings.Repeat(trial, 11), "search", "--replay", "-", "--goal", goal, "--json")
	if code != exitOK || !strings.Contains(out, `"lower_fps":1000,"upper_fps":null`) {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
	code, out, errs = call(strings.Repeat(trial, 10), "search", "--replay", "-", "--goal", goal, "--json")
	if code != exitOK || !strings.Contains(out, `"lower_fps":null,"upper_fps":null,"conditional_throughput_fps":null`) {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
}

func TestSimulate(t *testing.T) {
	code, out, errs := call("", "search", "--simulate", "capacity=437.6kpps", "--goal", "ndr", "--goal", "pdr")
	if code != exitOK || !strings.Contains(out, "ndr: lower 43") || !strings.Contains(out, "regular") {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
}

func TestSplitDevices(t *testing.T) {
	got := splitDevices("vxlan,reference:gso=on,gro=off,wireguard-go,reference:gso=off")
	want := "vxlan|reference:gso=on,gro=off|wireguard-go|reference:gso=off"
	if strings.Join(got, "|") != want {
		t.Errorf("%q, want %q", got, want)
	}
}
