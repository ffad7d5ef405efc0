package report

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/result"
)

// fixture returns a campaign with three targets: one with two findings, one without findings, and one that
// was not attacked to the end.
func fixture() *Campaign {
	f := &Campaign{
		Schema: Schema, Tool: result.Tool{Version: "v0.2.0", Commit: "3f2a9c1d7b", Go: "go1.26.0"},
		Command: []string{"tunnelbench", "fuzz", "run", "--target", "header,decap,config", "--time", "1m"},
		Started: time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC), Ended: time.Date(2026, 11, 23, 9, 32, 11, 0, time.UTC),
		CPU: "AMD EPYC 9R14", Kernel: "6.18.1",
	}
	f.Targets = []Target{
		attacked("header", "the tunnel's frame header", "fuzz/wire", "Header", 1_234_567, 41),
		attacked("decap", "the way in of a whole end, with all its checks", "fuzz/wire", "Decap", 34_567, 380),
		{Name: "config", Doc: "the configuration of a tunnel", Package: "fuzz/text", Function: "Config", Engine: "native",
			Error: "the engine ended: exit status 2: out of memory"},
	}
	f.Targets[0].Findings = []Finding{panicFinding(), allocationFinding()}
	return f
}

func attacked(name, doc, folder, function string, executions, coverage uint64) Target {
	t := Target{
		Name: name, Doc: doc, Package: folder, Function: function, Engine: "native",
		Executions: executions, Elapsed: time.Minute, CPUTime: 118 * time.Second, Corpus: int(coverage),
	}
	for i := range 20 {
		at := float64(i+1) / 20
		t.Samples = append(t.Samples, Sample{
			Elapsed:    time.Duration(at * float64(time.Minute)),
			Executions: uint64(at * float64(executions)), Coverage: uint64(math.Sqrt(at) * float64(coverage)),
		})
	}
	return t
}

// panicFinding has a stack that begins in another module, and an input that is not text.
func panicFinding() Finding {
	return Finding{
		ID: "9c1d7b3f2a04", Oracle: "panic", Seen: "runtime error: index out of range [5] with length 3",
		Stack: []StackFrame{
			{"github.com/gopacket/gopacket/layers.(*GRE).DecodeFromBytes", "github.com/gopacket/gopacket@v1.7.7/layers/gre.go", 61},
			{"reference.Parse", "reference/header.go", 42},
			{"fuzz/wire.Header", "fuzz/wire/header.go", 17},
		},
		Input: []byte("\x00\x08<b>\xff"), Octets: 6,
		FoundAt: 1200 * time.Millisecond, FoundCPU: 2300 * time.Millisecond, Times: 3,
		Files:     []string{"out/fuzz/findings/header-9c1d7b3f2a04/582528ddfad69eb5", "fuzz/wire/testdata/fuzz/FuzzHeader/582528ddfad69eb5"},
		Reproduce: "tunnelbench fuzz repro --target header fuzz/wire/testdata/fuzz/FuzzHeader/582528ddfad69eb5",
	}
}

// allocationFinding has no frame of the module, and an input longer than the page shows.
func allocationFinding() Finding {
	return Finding{
		ID: "04bc0ffee012", Oracle: "allocation", Seen: "allocated 4096 octets, limit 0",
		Stack: []StackFrame{{"bytes.growSlice", "$GOROOT/src/bytes/buffer.go", 249}},
		Input: bytes.Repeat([]byte("tunnel {0} "), 100), Octets: 1100,
		FoundAt: 41 * time.Second, FoundCPU: 80 * time.Second, Times: 1,
		Files: []string{"out/fuzz/findings/header-04bc0ffee012/0f1e2d3c4b5a6978"}, Reproduce: "tunnelbench fuzz repro --target header 0f1e2d3c4b5a6978",
	}
}

// hostileCampaign has the hostile name in every text field.
func hostileCampaign(name string) *Campaign {
	f := fixture()
	f.Tool, f.CPU, f.Kernel = result.Tool{Version: name, Commit: name, Go: name}, name, name
	f.Command = []string{name, "--x=" + name}
	for i := range f.Targets {
		t := &f.Targets[i]
		t.Name, t.Doc, t.Package, t.Function, t.Engine = name, name, name, name, name
		if t.Error != "" {
			t.Error = name
		}
		for j := range t.Findings {
			x := &t.Findings[j]
			x.ID, x.Oracle, x.Seen, x.Reproduce, x.Files = name, name, name, name, []string{name}
			x.Stack = []StackFrame{{name, name, 1}}
			x.Input, x.Octets = []byte(name), len(name)
		}
	}
	return f
}

// crowd returns a campaign of n targets.
func crowd(n int) *Campaign {
	f := &Campaign{}
	for i := range n {
		f.Targets = append(f.Targets, attacked(fmt.Sprintf("target-%d", i), "", "p", "F", 1000, 10))
	}
	return f
}
