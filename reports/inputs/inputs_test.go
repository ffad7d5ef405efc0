package inputs

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/reports/behaviour"
	"github.com/tunnelbench/tunnelbench/reports/field/fieldtest"
	"github.com/tunnelbench/tunnelbench/reports/interop"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/waterfall"
)

// folder returns a folder with files of these names and contents.
func folder(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func traceFile(t *testing.T) string {
	t.Helper()
	sent, taken := waterfall.Point{Node: "tester", Kind: waterfall.Sent}, waterfall.Point{Node: "tester", Kind: waterfall.Taken}
	text, err := waterfall.Marshal(&waterfall.Trace{
		Schema: waterfall.Schema, Tool: result.Tool{Version: "v1"}, Command: []string{"tunnelbench"}, Device: "vxlan", Size: 64, Every: 1,
		Streams: []waterfall.Stream{{
			Direction: "forward", Points: []waterfall.Point{sent, taken}, Picked: []waterfall.Picked{},
			Hops: []waterfall.Hop{{From: sent, To: taken, Work: waterfall.Link, Reasons: []waterfall.Reason{}}},
		}},
		Threads: []waterfall.Threads{}, Warnings: []string{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func interopFile(t *testing.T) string {
	t.Helper()
	began := time.Date(2026, 11, 29, 1, 2, 3, 0, time.UTC)
	text, err := (&interop.Report{
		Started: began, Ended: began.Add(time.Second), Ends: []string{"kernel"}, Checks: []interop.CheckInfo{{Name: "handshake"}},
		Cells: []interop.Cell{{Left: "kernel", Right: "kernel", Check: "handshake", Outcome: interop.Passed}},
	}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func behaviourFile(t *testing.T) string {
	t.Helper()
	text, err := (&behaviour.Report{
		Tests:   []behaviour.TestInfo{{Name: "ecn", Doc: "the ECN field"}},
		Devices: []behaviour.Device{{Device: "vxlan", Findings: []behaviour.Finding{{Test: "ecn", Verdict: behaviour.Fail, Rule: "RFC 6040", Why: "CE was lost"}}}},
	}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func fieldFile(t *testing.T, machine string) string {
	t.Helper()
	f := fieldtest.Sample()
	f.Machine = machine
	text, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Fields of several machines are one page.
func TestFields(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"a.json": fieldFile(t, "aaaa"), "field.json": fieldFile(t, "bbbb")})
	paths, err := In([]string{filepath.Join(dir, "a.json"), dir})
	if err != nil {
		t.Fatal(err)
	}
	in, err := Read(context.Background(), paths)
	if err != nil {
		t.Fatal(err)
	}
	if len(in.Pages) != 1 || in.Pages[0].Name != "field.html" || len(in.Runs) != 0 {
		t.Fatalf("%+v", in)
	}
	page := string(in.Pages[0].HTML)
	if !strings.Contains(page, `id="m-aaaa"`) || !strings.Contains(page, `id="m-bbbb"`) || strings.Count(in.Pages[0].Text, "wireguard-go") != 2 {
		t.Errorf("the page lacks a machine:\n%s", in.Pages[0].Text)
	}
}

func resultsFile(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../fuzz/text/results.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A folder stands for the files in it, and each of them is read as what it is.
func TestFolder(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"trace.json": traceFile(t), "interop.json": interopFile(t), "behaviour.json": behaviourFile(t), "results.json": resultsFile(t), "other.json": "{"})
	paths, err := In([]string{dir, "elsewhere"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{dir + "/results.json", dir + "/trace.json", dir + "/interop.json", dir + "/behaviour.json", "elsewhere"}, paths); diff != "" {
		t.Error(diff)
	}
	in, err := Read(context.Background(), paths[:4])
	if err != nil {
		t.Fatal(err)
	}
	if len(in.Runs) != 1 || len(in.Pages) != 3 {
		t.Fatalf("%d runs, %d pages", len(in.Runs), len(in.Pages))
	}
	for i, want := range []struct{ name, html, text string }{
		{"trace.html", "tester receives", "forward: 0 frames offered"},
		{"interop.html", "handshake", "handshake"},
		{"behaviour.html", "CE was lost", "CE was lost"},
	} {
		p := in.Pages[i]
		if p.Name != want.name || !strings.Contains(string(p.HTML), want.html) || !strings.Contains(p.Text, want.text) {
			t.Errorf("page %s:\n%s\n%s", p.Name, p.HTML, p.Text)
		}
	}
}

// What is wrong with a file is one line that begins with its path.
func TestBadFiles(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"torn": traceFile(t)[:300], "hops": strings.Replace(traceFile(t), `"kind": "taken"`, `"kind": "flown"`, 1),
		"later":  strings.Replace(traceFile(t), "tunnelbench.trace/1", "tunnelbench.trace/2", 1),
		"fields": fieldFile(t, "a")[:500], "newer": strings.Replace(fieldFile(t, "a"), "field/1", "field/2", 1), "interop": strings.Replace(interopFile(t), `"passed"`, `"fine"`, 1), "cells": strings.Replace(interopFile(t), `"ends": [`, `"ends": ["x",`, 1),
		"verdicts": strings.Replace(behaviourFile(t), `"fail"`, `"fine"`, 1),
		"none":     "{}", "empty": "",
	})
	for _, name := range []string{"torn", "hops", "later", "interop", "cells", "fields", "newer", "verdicts", "none", "empty", "missing"} {
		path := filepath.Join(dir, name)
		_, err := Read(context.Background(), []string{path})
		if err == nil || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := In([]string{t.TempDir()}); err == nil || !strings.Contains(err.Error(), "trace.json") {
		t.Errorf("an empty folder: error %v", err)
	}
}
