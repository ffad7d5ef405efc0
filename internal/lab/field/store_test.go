package field

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/reports/field"
)

// Bad directories are one line, and a mistake of the user.
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	key := Key{Kernel: "6.18", Settings: "seed=1"}
	run := `{"schema":"tunnelbench.field-run/1","key":{"kernel":"6.18","commit":"","cpu_plan":"","settings":"seed=1"},"started":"2026-01-02T03:04:05Z","done":false}`
	for name, c := range map[string]struct {
		run    string
		resume bool
		want   string
	}{
		"nothing to resume": {"", true, "there is no run to resume"},
		"cut short":         {run, false, "go on with --resume"},
		"another kernel":    {strings.Replace(run, "6.18", "6.19", 1), true, `kernel "6.19", and now "6.18"`},
		"other settings":    {strings.Replace(run, "seed=1", "seed=2", 1), true, `settings "seed=2"`},
		"newer":             {strings.Replace(run, "run/1", "run/2", 1), true, "tunnelbench.field-run/2"},
		"torn":              {run[:40], true, "ends too early"},
		"not ours":          {`{"a":1}`, true, "unknown field"},
		"followed":          {run + "{}", true, "something follows it"},
	} {
		dir := t.TempDir()
		if c.run != "" {
			if err := os.WriteFile(filepath.Join(dir, runFile), []byte(c.run), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Open(context.Background(), dir, key, c.resume)
		if !errors.Is(err, lab.ErrConfig) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// Files of devices without that of their run are not taken into another one.
func TestOpenRefusesLeftovers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := planOf(t, dir, false, "vxlan")
	if err := errors.Join(Run(context.Background(), labOf(), p, &field.Field{}), os.Remove(filepath.Join(dir, runFile))); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(context.Background(), dir, Key{}, false); !errors.Is(err, lab.ErrConfig) || !strings.Contains(err.Error(), "remove it") {
		t.Errorf("%v", err)
	}
}

// A finished run gives way to a new one; its devices' files go.
func TestOpenAfterFinish(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := planOf(t, dir, false, "vxlan")
	var f field.Field
	if err := errors.Join(Run(context.Background(), labOf(), p, &f), p.Store.Finish()); err != nil {
		t.Fatal(err)
	}
	p = planOf(t, dir, false, "vxlan")
	if err := p.Store.Load(context.Background(), p.Devices); err != nil || p.Store.of(p.Devices[1]).Alone != nil {
		t.Errorf("the new run has what the old one measured (%v)", err)
	}
}

// A damaged file of a device is named.
func TestDamagedRecord(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := planOf(t, dir, false, "vxlan")
	path := p.Store.path("vxlan")
	for text, want := range map[string]string{
		`{"schema":"tunnelbench.field-device/1","dev`:                          "ends too early",
		`{"schema":"tunnelbench.field-device/1","device":"x","rounds":[]}`:     `device "x"`,
		`{"schema":"tunnelbench.field-device/2","device":"vxlan","rounds":[]}`: "field-device/2",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		err := Run(context.Background(), labOf(), p, &field.Field{})
		if !errors.Is(err, lab.ErrConfig) || !strings.HasPrefix(strings.TrimPrefix(err.Error(), lab.ErrConfig.Error()+": "), path) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Files of devices are told apart, whatever their names.
func TestPath(t *testing.T) {
	t.Parallel()
	s := &Store{dir: "out"}
	seen := map[string]bool{}
	for _, spec := range []string{"recipe:a/b", "recipe:a_b", "recipe:a:b", "exec:ä", "exec:ö", "exec:" + strings.Repeat("x", 300), "exec:" + strings.Repeat("x", 301)} {
		path := s.path(spec)
		if seen[path] || filepath.Dir(path) != "out/devices" || len(filepath.Base(path)) > 200 {
			t.Errorf("%s: %s", spec, path)
		}
		seen[path] = true
	}
}
