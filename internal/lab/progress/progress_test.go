package progress

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/internal/lab/suite"
	"github.com/tunnelbench/tunnelbench/internal/openmetrics"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// told returns the state of a run of two devices that has told what happened.
func told(t *testing.T) *State {
	t.Helper()
	b, err := Open("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	p := suite.Plan{Devices: labtest.Devices(t, "plain", "vxlan"), Sizes: []rfc2544.FrameSize{64, 1518}, Profile: suite.Profiles()[0], Link: rfc2544.Gigabit}
	heard := 0
	p.OnTrial = func(string, rfc2544.Trial, rfc2544.Observation) { heard++ }
	p.OnPart = func(*result.Results) { heard++ }
	p.OnForetold = func(suite.Trouble, time.Duration) { heard++ }
	b.Follow(context.Background(), &p, false)
	if left := time.Until(b.state.Expected); left < 10*time.Second || left > time.Hour {
		t.Errorf("the run is expected to take %v", left)
	}
	p.OnForetold(suite.Trouble{}, 100*time.Second)
	p.OnStep(suite.Step{Test: suite.Calibration})
	p.OnStep(suite.Step{})
	p.OnStep(suite.Step{Device: "vxlan", Test: rfc2544.NameLatency, Size: 64})
	for _, o := range []rfc2544.Observation{
		{Valid: true}, {Valid: true}, {Valid: true, Disturbed: rfc2544.Reasons{{Code: rfc2544.Stalled}}},
		{Invalid: rfc2544.Reasons{{Code: rfc2544.SenderShort}, {Code: rfc2544.Stalled}}},
	} {
		p.OnTrial("vxlan", rfc2544.Trial{Size: 64}, o)
	}
	rate := result.Result{DUT: "vxlan", Test: rfc2544.NameRate, FrameSize: 64, Valid: true, Values: []rfc2544.Value{{Name: "quick", Unit: "fps", Value: 1e5}, {Name: "x", Unit: "ns", Value: 3}}}
	p.OnPart(&result.Results{Results: []result.Result{rate}})
	p.OnPart(&result.Results{Results: []result.Result{rate, {DUT: "plain", Error: "out of luck"}, {DUT: "x", Unsupported: "no"}, {DUT: "plain"}}})
	if heard != 7 {
		t.Errorf("those who listened before heard %d of 7 events", heard)
	}
	return &b.state
}

// text is what a reader of a state gets, which has passed the pipe.
func text(t *testing.T, s *State) string {
	t.Helper()
	line, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	arrived := &State{}
	if err := json.Unmarshal(line, arrived); err != nil {
		t.Fatal(err)
	}
	c := collector{func() *State { return arrived }, func() time.Time { return s.Started.Add(40 * time.Second) }}
	w := httptest.NewRecorder()
	promhttp.HandlerFor(openmetrics.NewRegistry(openmetrics.Build{}, c), promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	s := told(t)
	s.Expected = s.Started.Add(100 * time.Second)
	got := text(t, s)
	for _, want := range []string{
		`tunnelbench_run_elapsed_seconds 40`, `tunnelbench_run_remaining_seconds 60`, `tunnelbench_run_cells 4`,
		`tunnelbench_run_step_info{device="vxlan",frame_size="64",test="latency"} 1`,
		`tunnelbench_run_trials_total{device="vxlan",frame_size="64",outcome="clean"} 2`,
		`tunnelbench_run_trials_total{device="vxlan",frame_size="64",outcome="disturbed"} 1`,
		`tunnelbench_run_trials_total{device="vxlan",frame_size="64",outcome="broken"} 1`,
		`tunnelbench_run_broken_trials_total{reason="sender_short"} 1`, `tunnelbench_run_broken_trials_total{reason="stalled"} 1`,
		`tunnelbench_run_found_frames_per_second{device="vxlan",frame_size="64",test="rate",value="quick"} 100000`,
		`tunnelbench_run_results{outcome="valid"} 1`, `tunnelbench_run_results{outcome="failed"} 1`,
		`tunnelbench_run_results{outcome="unsupported"} 1`, `tunnelbench_run_results{outcome="invalid"} 1`,
	} {
		if !strings.Contains(got, "\n"+want+"\n") {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if strings.Contains(got, "calibration") || strings.Count(got, "found_frames_per_second{") != 1 {
		t.Errorf("a step that is over, or a value that is no rate:\n%s", got)
	}
	s.Expected = time.Time{}
	if got := text(t, s); strings.Contains(got, "remaining") {
		t.Error("nobody knows what remains, and it is there")
	}
}

// Whatever a command line names, a reader gets a bounded number of series.
func TestManyCells(t *testing.T) {
	t.Parallel()
	s := &State{}
	for i := range 3 * MostSeries {
		s.trial("vxlan", rfc2544.Trial{Size: rfc2544.FrameSize(i)}, rfc2544.Observation{Valid: true})
		s.Values = append(s.Values, Value{Device: "vxlan", Name: "pdr", Size: rfc2544.FrameSize(i)})
	}
	got := text(t, s)
	if n, m := strings.Count(got, "\ntunnelbench_run_trials_total{"), strings.Count(got, "\ntunnelbench_run_found_frames_per_second{"); n != 3*MostSeries || m != MostSeries {
		t.Errorf("%d series of trials, %d of rates", n, m)
	}
}

// The metrics follow the conventions of Prometheus.
func TestPromtool(t *testing.T) {
	t.Parallel()
	testenv.Program(t, "promtool", "prometheus")
	cmd := exec.Command("promtool", "check", "metrics")
	cmd.Stdin = strings.NewReader(text(t, told(t)))
	if out, err := cmd.CombinedOutput(); err != nil || len(bytes.TrimSpace(out)) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// Without an address there is no board, and nothing to close.
func TestNoBoard(t *testing.T) {
	t.Parallel()
	b, err := Open("")
	p := suite.Plan{}
	b.Follow(context.Background(), &p, false)
	if b != nil || err != nil || p.OnTrial != nil || p.OnStep != nil || b.Close() != nil {
		t.Errorf("%v, %v: somebody listens", b, err)
	}
}
