package rfc2544

import (
	"context"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
)

// The tests that search the throughput: of one pair of addresses, and of
// destinations in many networks.
const (
	NameThroughput = "throughput"
	NameNetworks   = "networks"
)

// minuteTrial is the trial duration that RFC 2544 section 24 requires for reported results.
const minuteTrial = time.Minute

// ThroughputConfig is the input of RunThroughput.
type ThroughputConfig struct {
	Size        FrameSize
	Min, Max    Rate
	Hint        Rate          // where to begin; 0 is at Max
	Exploratory time.Duration // duration of the trials that bracket the throughput
	Trial       time.Duration // duration of the trials that decide
	Width       float64       // largest (upper-lower)/upper
	Networks    int           // number of destination networks (section 12); 0: one pair of addresses
	Limit       time.Duration // of all trials; 0 is mlrsearch.DefaultLimit
}

// RunThroughput implements RFC 2544 section 26.1: it searches the highest rate without frame loss.
// Short trials bracket the rate; they can only show that a load is too high. The reported rate
// passed a full trial. It yields throughput with both bounds, in frames per second and direction;
// with Networks the name is throughput_256_networks, for example (section 12).
func RunThroughput(ctx context.Context, m Measurer, cfg ThroughputConfig) (Outcome, error) {
	var short shortfalls
	short.duration(TrialDuration, cfg.Trial, minuteTrial, "RFC 2544 section 24")
	test, name := NameThroughput, short.name(NameThroughput)
	if cfg.Networks > 1 {
		test, name = NameNetworks, short.name(networksName(cfg.Networks))
	}
	out, err := RunRate(ctx, m, SearchConfig{
		Size: cfg.Size, Min: cfg.Min, Max: cfg.Max, Hint: cfg.Hint, Limit: cfg.Limit, Traffic: Traffic{Networks: cfg.Networks}, AllFrames: true,
		Goals: []mlrsearch.Goal{{Name: name, Initial: cfg.Exploratory, Final: cfg.Trial, Sum: cfg.Trial, Width: cfg.Width}},
	})
	out.Test = test
	out.Values = slices.DeleteFunc(out.Values, func(v Value) bool { return v.Name != name }) // only the throughput is reported
	return out, err
}

var (
	_ = register(Test{
		Name: NameThroughput, Title: "Throughput", Section: "RFC 2544, 26.1", Limited: true, Order: 30, Efforts: throughputEfforts(0),
	})
	_ = register(Test{
		Name: NameNetworks, Title: "Throughput over many networks", Section: "RFC 2544, 12", Limited: true, Order: 40, Efforts: throughputEfforts(256),
	})
)

func throughputEfforts(networks int) Efforts {
	return Efforts{
		CI:       ThroughputConfig{Exploratory: 500 * time.Millisecond, Trial: 2 * time.Second, Width: 0.02, Limit: 2 * time.Minute, Networks: networks},
		Standard: ThroughputConfig{Exploratory: time.Second, Trial: time.Minute, Width: 0.01, Limit: time.Hour, Networks: networks},
		Full:     ThroughputConfig{Exploratory: time.Second, Trial: time.Minute, Width: 0.005, Limit: 4 * time.Hour, Networks: networks},
	}
}

// RunAt implements Config. The throughput of one pair of addresses is what later tests need.
func (cfg ThroughputConfig) RunAt(ctx context.Context, m Resetter, p *Progress) (Outcome, error) {
	cfg.Size, cfg.Min, cfg.Max = p.Size, p.Min, p.most()
	if p.Found >= cfg.Min && p.Found <= cfg.Max {
		cfg.Hint = p.Found
	}
	if p.Throughput > 0 {
		cfg.Hint = p.Throughput
	}
	out, err := RunThroughput(ctx, m, cfg)
	if cfg.Networks < 2 && len(out.Values) > 0 {
		p.Throughput = Rate(out.Values[0].Value)
	}
	return out, err
}
