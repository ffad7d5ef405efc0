package progress

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/internal/lab/suite"
	"github.com/tunnelbench/tunnelbench/internal/openmetrics"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
)

func TestMain(m *testing.M) { labtest.Main(m) }

// await reads the metrics until they have what is wanted. The child has the lowest priority: on a busy machine it is
// late, and a reader may be turned away.
func await(t *testing.T, url string, want *regexp.Regexp) string {
	t.Helper()
	var text []byte
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		resp, err := http.Get(url)
		if err != nil {
			continue
		}
		text, err = io.ReadAll(resp.Body)
		resp.Body.Close()
		if err == nil && resp.StatusCode == http.StatusOK && want.Match(text) {
			return string(text)
		}
	}
	t.Fatalf("%s never has %v:\n%s", url, want, text)
	return ""
}

// A run that goes on shows its progress, and nothing is left of the server after it.
func TestShortRun(t *testing.T) {
	testenv.NetAdmin(t)
	l := labtest.Open(t, lab.Settings{LossTimeout: 200 * time.Millisecond})
	b, err := Open("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	goal := mlrsearch.MustParseGoals("name=tiny,loss=0.5,exceed=0.5,initial=100ms,final=100ms,sum=300ms,width=0.2")
	p := suite.Plan{Settings: l.Settings, Sizes: []rfc2544.FrameSize{64}, Link: rfc2544.Gigabit, Profile: suite.Profile{Name: "tiny", Goals: goal, Sums: 10, Latency: 100 * time.Millisecond, Repeats: 1}}
	p.Devices = labtest.Devices(t, "plain")
	var url strings.Builder
	goOn, measured := make(chan struct{}), make(chan struct{}, 1)
	p.OnTrial = func(string, rfc2544.Trial, rfc2544.Observation) {
		select {
		case measured <- struct{}{}:
		default:
		}
		<-goOn
	}
	p.OnPart, p.OnForetold = func(*result.Results) {}, func(suite.Trouble, time.Duration) {}
	b.Follow(t.Context(), &p, false)
	if err := b.Serve(l.CPUPlan(), openmetrics.Build{Version: "v1"}, &url); err != nil {
		t.Fatal(err)
	}
	address := strings.TrimSpace(strings.TrimPrefix(url.String(), "metrics: "))
	over := make(chan error, 1)
	go func() { over <- suite.Run(t.Context(), suite.On(l.Lab), p, &result.Results{}) }()
	select {
	case <-measured:
	case err := <-over:
		t.Fatalf("the run is over before its first trial: %v", err)
	}
	during := await(t, address, regexp.MustCompile(`tunnelbench_run_step_info\{device="plain",frame_size="64",test="rate"\} 1`))
	for _, want := range []string{`tunnelbench_build_info{goversion="",revision="",version="v1"} 1`, "tunnelbench_run_remaining_seconds ", "tunnelbench_run_cells 1"} {
		if !strings.Contains(during, want) {
			t.Errorf("no %s in\n%s", want, during)
		}
	}
	close(goOn)
	if err := <-over; err != nil {
		t.Fatal(err)
	}
	after := await(t, address, regexp.MustCompile(`tunnelbench_run_results\{outcome="(valid|invalid|failed)"\} [12]`))
	if !regexp.MustCompile(`tunnelbench_run_trials_total\{.*\} [1-9]`).MatchString(after) || strings.Contains(after, "step_info{") {
		t.Errorf("after the run:\n%s", after)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if resp, err := http.Get(address); err == nil {
		resp.Body.Close()
		t.Error("the address answers after Close")
	}
}
