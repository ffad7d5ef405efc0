package labtest

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Main runs the tests of a package that opens labs.
func Main(m *testing.M) {
	reexec.Main()
	os.Exit(m.Run())
}

// Opened is the lab on this machine, with settings for a test's set-ups.
type Opened struct {
	*lab.Lab
	Settings lab.Settings
}

// Open opens the lab. The caller has checked that the test may. The loss timeout is one second if s has
// none, since a machine that runs tests is busy.
func Open(t testing.TB, s lab.Settings) *Opened {
	t.Helper()
	s.MaxFrames, s.LossTimeout = 1<<22, cmp.Or(s.LossTimeout, time.Second)
	l, err := lab.Open(context.Background(), lab.Config{Wait: true, CongestionControl: s.CongestionControl})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return &Opened{l, s}
}

// Up brings a device up, until the test ends.
func (l *Opened) Up(t testing.TB, spec string, largest rfc2544.FrameSize) *lab.Setup {
	t.Helper()
	b, err := l.Setup(context.Background(), Devices(t, spec)[0], l.Settings, largest)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// Devices parses specs.
func Devices(t testing.TB, specs ...string) (list []dut.Device) {
	t.Helper()
	for _, spec := range specs {
		d, err := dut.Parse(spec)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, d)
	}
	return list
}

// Script writes an executable script and returns the spec of a device that runs it.
func Script(t testing.TB, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dut.sh")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body), 0o755); err != nil {
		t.Fatal(err)
	}
	return "exec:" + path
}
