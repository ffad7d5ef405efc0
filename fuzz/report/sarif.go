package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/show"
)

// The part of SARIF 2.1.0 that a campaign needs, with the names of the standard.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool        sarifTool         `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string       `json:"id"`
		ShortDescription sarifMessage `json:"shortDescription"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifInvocation struct {
		ExecutionSuccessful bool                `json:"executionSuccessful"`
		CommandLine         string              `json:"commandLine"`
		StartTimeUTC        string              `json:"startTimeUtc"`
		EndTimeUTC          string              `json:"endTimeUtc"`
		Notifications       []sarifNotification `json:"toolExecutionNotifications"`
	}
	sarifNotification struct {
		Level   string       `json:"level"`
		Message sarifMessage `json:"message"`
	}
	sarifResult struct {
		RuleID              string            `json:"ruleId"`
		RuleIndex           int               `json:"ruleIndex"`
		Level               string            `json:"level"`
		Message             sarifMessage      `json:"message"`
		Locations           []sarifLocation   `json:"locations"`
		PartialFingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		PhysicalLocation *sarifPlace    `json:"physicalLocation,omitempty"`
		LogicalLocations []sarifHarness `json:"logicalLocations"`
	}
	sarifHarness struct {
		FullyQualifiedName string `json:"fullyQualifiedName"`
		Kind               string `json:"kind"`
	}
	sarifPlace struct {
		ArtifactLocation sarifFile    `json:"artifactLocation"`
		Region           *sarifRegion `json:"region,omitempty"`
	}
	sarifFile struct {
		URI       string `json:"uri"`
		URIBaseID string `json:"uriBaseId"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
)

// sarifSourceRoot is the name that SARIF readers resolve to the root of the repository.
const sarifSourceRoot = "%SRCROOT%"

// SARIF returns a campaign as a SARIF 2.1.0 log. Rules are the broken oracles, results are the findings. A
// target that was not attacked to the end is a notification of level error, so that it does not pass for
// a clean one.
func SARIF(f *Campaign) ([]byte, error) {
	rules := brokenOracles(f)
	run := sarifRun{
		Tool:        sarifTool{sarifDriver{Name: "tunnelbench", Version: strictjson.Clean(f.Tool.Version), Rules: []sarifRule{}}},
		Invocations: []sarifInvocation{invocation(f)}, Results: []sarifResult{},
	}
	for _, id := range rules {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{id, sarifText("An input broke the oracle " + id + ".")})
	}
	for i := range f.Targets {
		for j := range f.Targets[i].Findings {
			run.Results = append(run.Results, sarifResultOf(&f.Targets[i], &f.Targets[i].Findings[j], rules))
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}}); err != nil {
		return nil, fmt.Errorf("sarif: %w", err)
	}
	return b.Bytes(), nil
}

// brokenOracles returns the sorted names of the oracles in the findings.
func brokenOracles(f *Campaign) (names []string) {
	for i := range f.Targets {
		for _, found := range f.Targets[i].Findings {
			names = append(names, strictjson.Clean(found.Oracle))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func invocation(f *Campaign) sarifInvocation {
	v := sarifInvocation{
		ExecutionSuccessful: true, CommandLine: show.ShellLine(f.Command), Notifications: []sarifNotification{},
		StartTimeUTC: f.Started.UTC().Format(time.RFC3339), EndTimeUTC: f.Ended.UTC().Format(time.RFC3339),
	}
	for i := range f.Targets {
		if t := &f.Targets[i]; t.Error != "" {
			v.ExecutionSuccessful = false
			v.Notifications = append(v.Notifications, sarifNotification{"error", sarifText(strictjson.Clean(t.Name) + ": not attacked to the end: " + strictjson.Clean(t.Error))})
		}
	}
	return v
}

func sarifResultOf(t *Target, f *Finding, rules []string) sarifResult {
	at := sarifLocation{LogicalLocations: []sarifHarness{{strictjson.Clean(t.Package) + "." + strictjson.Clean(t.Function), "function"}}}
	if i := slices.IndexFunc(f.Stack, StackFrame.ours); i >= 0 {
		at.PhysicalLocation = sarifPlaceOf(f.Stack[i])
	}
	oracle := strictjson.Clean(f.Oracle)
	return sarifResult{
		RuleID: oracle, RuleIndex: slices.Index(rules, oracle), Level: "error",
		Message:             sarifText(strictjson.Clean(t.Name) + ": " + strictjson.Clean(f.Seen) + "\nReproduce: " + strictjson.Clean(f.Reproduce)),
		Locations:           []sarifLocation{at},
		PartialFingerprints: map[string]string{"tunnelbenchFinding/v1": strictjson.Clean(f.ID)},
	}
}

func sarifPlaceOf(frame StackFrame) *sarifPlace {
	p := &sarifPlace{ArtifactLocation: sarifFile{(&url.URL{Path: strictjson.Clean(frame.File)}).String(), sarifSourceRoot}}
	if frame.Line > 0 {
		p.Region = &sarifRegion{frame.Line}
	}
	return p
}

// sarifText returns a message with the literal text s. In SARIF braces stand for arguments (section
// 3.11.5), and brackets before a parenthesis for links (3.11.6).
func sarifText(s string) sarifMessage {
	return sarifMessage{strings.NewReplacer("{", "{{", "}", "}}", "](", "] (").Replace(s)}
}
