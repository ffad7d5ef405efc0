package report

import (
	"bytes"
	"encoding/json"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
)

// sarif decodes the log as another program would. It fails on keys that sarifLog does not have.
func sarif(t *testing.T, f *Campaign) (run sarifRun, data []byte) {
	t.Helper()
	data, err := SARIF(f)
	if err != nil {
		t.Fatal(err)
	}
	var log sarifLog
	known := json.NewDecoder(bytes.NewReader(data))
	known.DisallowUnknownFields()
	if err := known.Decode(&log); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	if log.Version != "2.1.0" || !strings.HasSuffix(log.Schema, "sarif-2.1.0.json") || len(log.Runs) != 1 {
		t.Fatalf("%s", data)
	}
	checkSarif(t, log.Runs[0])
	return log.Runs[0], data
}

// checkSarif checks what the standard requires of every log.
func checkSarif(t *testing.T, run sarifRun) {
	t.Helper()
	if run.Tool.Driver.Name != "tunnelbench" {
		t.Errorf("driver %q", run.Tool.Driver.Name)
	}
	for _, r := range run.Results {
		if r.RuleIndex < 0 || r.RuleIndex >= len(run.Tool.Driver.Rules) || run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID {
			t.Errorf("rule %q is not number %d", r.RuleID, r.RuleIndex)
		}
		if r.Level != "error" || r.Message.Text == "" || len(r.Locations) != 1 || r.PartialFingerprints["tunnelbenchFinding/v1"] == "" {
			t.Errorf("%+v", r)
		}
		at := r.Locations[0].PhysicalLocation
		if at == nil {
			continue
		}
		u, err := url.Parse(at.ArtifactLocation.URI)
		if err != nil || u.IsAbs() || path.IsAbs(u.Path) || u.Host != "" || strings.Contains(u.Path, "..") {
			t.Errorf("%q is not a path within the module: %v", at.ArtifactLocation.URI, err)
		}
		if at.ArtifactLocation.URIBaseID != "%SRCROOT%" || at.Region != nil && at.Region.StartLine < 1 {
			t.Errorf("%+v", at)
		}
	}
}

func TestSARIF(t *testing.T) {
	run, data := sarif(t, fixture())
	resulttest.Golden(t, "fuzz.sarif", data)
	rules := run.Tool.Driver.Rules
	if len(rules) != 2 || rules[0].ID != "allocation" || rules[1].ID != "panic" {
		t.Errorf("rules %+v", rules)
	}
	if len(run.Results) != 2 {
		t.Fatalf("%d results", len(run.Results))
	}
	first, second := run.Results[0], run.Results[1]
	if at := first.Locations[0].PhysicalLocation; at == nil || at.ArtifactLocation.URI != "reference/header.go" || at.Region.StartLine != 42 {
		t.Errorf("the first frame of the module is not the place: %+v", at)
	}
	if second.Locations[0].PhysicalLocation != nil || second.Locations[0].LogicalLocations[0].FullyQualifiedName != "fuzz/wire.Header" {
		t.Errorf("a stack without a frame of the module has the place %+v", second.Locations[0])
	}
	if first.PartialFingerprints["tunnelbenchFinding/v1"] != "9c1d7b3f2a04" {
		t.Errorf("%+v", first.PartialFingerprints)
	}
	for _, want := range []string{"index out of range [5] with length 3", "tunnelbench fuzz repro --target header"} {
		if !strings.Contains(first.Message.Text, want) {
			t.Errorf("no %q in %q", want, first.Message.Text)
		}
	}
	if v := run.Invocations[0]; v.ExecutionSuccessful || len(v.Notifications) != 1 || !strings.Contains(v.Notifications[0].Message.Text, "out of memory") {
		t.Errorf("a target that was not attacked to the end is reported as clean: %+v", v)
	}
	_, again := sarif(t, fixture())
	if !bytes.Equal(again, data) {
		t.Error("the same campaign gave other bytes")
	}
}

func TestSARIFOfHostileTexts(t *testing.T) {
	for _, name := range append(resulttest.Hostile, "[text](https://example.org)", "{0}") {
		run, data := sarif(t, hostileCampaign(name))
		if strings.ContainsAny(string(data), "\x1b\x00\u202e") {
			t.Errorf("%q: control characters", name)
		}
		text := run.Results[0].Message.Text
		if strings.Contains(text, "](") || strings.Contains(strings.NewReplacer("{{", "", "}}", "").Replace(text), "{") {
			t.Errorf("%q: a link or an argument in %q", name, text)
		}
	}
}

// A log without results has empty lists instead of null, which would mean that the program failed.
func TestSARIFOfNothing(t *testing.T) {
	f := fixture()
	f.Targets = f.Targets[1:2]
	run, data := sarif(t, f)
	if !run.Invocations[0].ExecutionSuccessful || len(run.Results) != 0 {
		t.Errorf("%+v", run)
	}
	var doc map[string]any
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte("null")) || !bytes.Contains(data, []byte(`"results": []`)) {
		t.Errorf("%s", data)
	}
}

func TestFilesOfTheModule(t *testing.T) {
	for file, want := range map[string]bool{
		"reference/header.go": true, "doc.go": true, "a b/c.go": true, "a..b/c.go": true,
		"": false, "/etc/passwd": false, "../x.go": false, "a/../../x.go": false, "..": false, "./x.go": false, "a//b.go": false, `a\b.go`: false,
		`C:/x.go`: false, "https://example.org/x.go": false, "github.com/x/y@v1.0.0/z.go": false, "$GOROOT/src/bytes/buffer.go": false,
	} {
		if got := (StackFrame{File: file}).ours(); got != want {
			t.Errorf("%q: %v, want %v", file, got, want)
		}
	}
}
