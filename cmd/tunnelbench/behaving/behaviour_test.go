package behaving

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// What the user wrote is checked before the lab opens.
func TestBadUsage(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"":                                  "needs --dut",
		"--dut nosuch":                      "nosuch",
		"--dut plain --tests mtu,loss":      `--tests mtu,loss: "loss": no such test: use all, or some of mtu, `,
		"--dut plain,plain":                 "comes twice",
		"--dut plain --out " + os.TempDir(): "is a directory",
	} {
		set := pflag.NewFlagSet("behaviour", pflag.ContinueOnError)
		run := Verb(func() result.Tool { return result.Tool{} }).Flags(set)
		if err := set.Parse(strings.Fields(args)); err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		if status := cli.Status(t.Context(), run(t.Context(), cli.Streams{Out: &said, Err: &said}), &said); status != 2 || !strings.Contains(said.String(), want) {
			t.Errorf("%q: exit status %d, %q, want 2 and %q", args, status, said.String(), want)
		}
	}
}

// The exit status follows from the verdicts: a failed rule outweighs a test that could not be made, and a device that
// cannot be asked is fine.
func TestExitStatus(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		verdicts []behaviour.Verdict
		want     int
	}{
		"fine":         {[]behaviour.Verdict{behaviour.Pass, behaviour.None, behaviour.Unsupported}, 0},
		"failed":       {[]behaviour.Verdict{behaviour.Pass, behaviour.Fail, behaviour.NotMeasured}, 3},
		"not measured": {[]behaviour.Verdict{behaviour.Pass, behaviour.NotMeasured}, 4},
	} {
		r := &behaviour.Report{Devices: []behaviour.Device{{Device: "plain"}}}
		for _, v := range c.verdicts {
			r.Devices[0].Findings = append(r.Devices[0].Findings, behaviour.Finding{Verdict: v})
		}
		if got := cli.Status(t.Context(), verdict(t.Context(), r), &bytes.Buffer{}); got != c.want {
			t.Errorf("%s: exit status %d, want %d", name, got, c.want)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("ended by SIGINT"))
	if got := cli.Status(ctx, verdict(ctx, &behaviour.Report{}), &bytes.Buffer{}); got != 4 {
		t.Errorf("interrupted: exit status %d, want 4", got)
	}
}

// The file has the whole report, and what is printed names it.
func TestWrite(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 29, 1, 2, 3, 0, time.UTC)
	r := &behaviour.Report{Started: at, Ended: at, Tests: []behaviour.TestInfo{{Name: "mtu"}}, Devices: []behaviour.Device{
		{Device: "plain", Findings: []behaviour.Finding{{Test: "mtu", Verdict: behaviour.None}}},
	}}
	f := &flags{out: filepath.Join(t.TempDir(), "x.json")}
	var said bytes.Buffer
	if err := f.write(cli.Streams{Out: &said}, r); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(f.out)
	if err != nil || !strings.Contains(said.String(), "written: "+f.out) || !strings.Contains(said.String(), "plain") {
		t.Fatalf("%v, %s", err, said.String())
	}
	if back, err := behaviour.Read(bytes.NewReader(written), f.out); err != nil || back.Devices[0].Findings[0].Test != "mtu" {
		t.Errorf("%+v, %v", back, err)
	}
	said.Reset()
	f.json = true
	if err := f.write(cli.Streams{Out: &said}, r); err != nil || said.String() != string(written) {
		t.Errorf("%v, %s", err, said.String())
	}
}
