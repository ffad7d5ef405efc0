package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/waterfall"
)

// A trace becomes its page again, alone or with the results beside it; two of them would become one page, and are refused.
func TestReportOfATrace(t *testing.T) {
	point := waterfall.Point{Node: "tester", Kind: waterfall.Sent}
	text, err := waterfall.Marshal(&waterfall.Trace{
		Schema: waterfall.Schema, Tool: result.Tool{Version: "v1"}, Command: []string{}, Device: "vxlan", Every: 1,
		Streams: []waterfall.Stream{{Direction: "forward", Points: []waterfall.Point{point}, Hops: []waterfall.Hop{}, Picked: []waterfall.Picked{}}},
		Threads: []waterfall.Threads{}, Warnings: []string{},
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	trace := filepath.Join(dir, "trace.json")
	for path, data := range map[string]string{trace: string(text), filepath.Join(dir, "results.json"): read(t, "../../fuzz/text/results.json")} {
		if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for line, want := range map[string][]string{"report " + trace: {"trace.html"}, "report " + dir: {"report.html", "trace.html"}} {
		out := t.TempDir()
		code, said, errs := call("", append(strings.Fields(line), "--out", out)...)
		if code != cli.ExitOK || !strings.Contains(said, "forward: 0 frames offered") {
			t.Errorf("%s: exit %d, %q, %q", line, code, said, errs)
		}
		for _, name := range want {
			if !strings.Contains(read(t, filepath.Join(out, name)), "</html>") {
				t.Errorf("%s: no page %s", line, name)
			}
		}
	}
	for line, want := range map[string]string{
		"report " + trace + " " + trace:     "become trace.html",
		"report --format csv " + trace:      "--format csv",
		"report --out x " + t.TempDir():     "none of results.json, trace.json, interop.json, behaviour.json, field.json",
		"report " + trace + " " + dir + "x": dir + "x",
	} {
		if code, said, errs := call("", strings.Fields(line)...); code != cli.ExitUsage || !strings.Contains(errs, want) || strings.Count(errs, "\n") != 1 || said != "" {
			t.Errorf("%s: exit %d, %q and %q", line, code, said, errs)
		}
	}
}
