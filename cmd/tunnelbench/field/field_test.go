package field

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/reports/field/fieldtest"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// call runs the verb with arguments and returns the exit status and what it printed.
func call(args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	verbs := []cli.Section{{Title: "Measure", Verbs: []cli.Verb{Verb(func() result.Tool { return result.Tool{Version: "v1"} })}}}
	code = cli.Main(context.Background(), verbs, append([]string{"field"}, args...), cli.Streams{Out: &o, Err: &e})
	return code, o.String(), e.String()
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func sample(t *testing.T) string {
	t.Helper()
	text, err := fieldtest.Sample().Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What the user got wrong is one line, and nothing is begun.
func TestBadInput(t *testing.T) {
	t.Parallel()
	good := write(t, "field.json", sample(t))
	newer := write(t, "newer.json", strings.Replace(sample(t), "field/1", "field/2", 1))
	torn := write(t, "torn.json", sample(t)[:700])
	none := write(t, "none.json", strings.NewReplacer(`"works"`, `"failed"`, `"why": ""`, `"why": "x"`).Replace(sample(t)))
	for args, want := range map[string]string{
		"--dut nix":                        `dut "nix": unknown`,
		"--dut vxlan,vxlan":                "vxlan comes twice",
		"--dut wire":                       "--dut wire: is no device",
		"--dut exec:/no/such":              "/no/such",
		"--profile quik":                   `--profile "quik": unknown: use quick or standard`,
		"--sizes 63":                       "63",
		"--out " + good + "/x --dut vxlan": "--out:",
		"a.json":                           `"a.json": files are for --compare`,
		"--compare " + good:                "give two files",
		"--compare " + good + " /no/such":  "/no/such",
		"--compare " + good + " " + newer:  newer + ": /schema",
		"--compare " + torn + " " + good:   torn + ": ",
		"--compare " + good + " " + none:   "have no two devices with a rate in common",
	} {
		code, out, errs := call(strings.Fields(args)...)
		if code != cli.ExitUsage || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, want) {
			t.Errorf("field %s: exit %d, %q, %q; want one line with %q", args, code, out, errs, want)
		}
	}
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	code, out, errs := call("--estimate", "--dut", "vxlan,wireguard-go", "--sizes", "64")
	if code != cli.ExitOK || errs != "" || !strings.Contains(out, "2 devices at 64 bytes, and plain beside them") || !strings.Contains(out, "in all") {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
}

// Two files are compared at the sizes that both have.
func TestCompare(t *testing.T) {
	t.Parallel()
	code, out, errs := call("--compare", write(t, "a.json", sample(t)), write(t, "b.json", sample(t)))
	if code != cli.ExitOK || errs != "" || !strings.Contains(out, "64 bytes: 3 devices in both, 3 pairs: tau-b 1.000") {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
}
