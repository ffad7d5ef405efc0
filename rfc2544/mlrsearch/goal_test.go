package mlrsearch

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPresets(t *testing.T) {
	t.Parallel()
	half := Ratio{num: 5, den: 10}
	for _, want := range []struct {
		name string
		goal Goal
	}{
		{"ndr", Goal{"ndr", 0, half, time.Second, time.Second, 21 * time.Second, 0.005}},
		{"pdr", Goal{"pdr", 0.005, half, time.Second, time.Second, 21 * time.Second, 0.005}},
		{"rfc2544", Goal{"throughput", 0, Ratio{den: 1}, time.Minute, time.Minute, time.Minute, 0.005}},
		{"quick", Goal{"pdr", 0.005, half, 500 * time.Millisecond, 500 * time.Millisecond, 1500 * time.Millisecond, 0.03}},
	} {
		t.Run(want.name, func(t *testing.T) {
			t.Parallel()
			got, err := Preset(want.name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.goal, got, cmp.AllowUnexported(Ratio{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if _, err := Preset("fast"); err == nil {
		t.Error("an unknown preset is no error")
	}
}

const baseGoal = "loss=0.005,exceed=0.5,final=1s,sum=21s"

func TestParseGoal(t *testing.T) {
	t.Parallel()
	base := Goal{Name: "pdr", LossRatio: 0.005, Exceed: Ratio{5, 10}, Final: time.Second, Sum: 21 * time.Second}
	lossless, full := base, base
	lossless.Name, lossless.LossRatio = "ndr", 0
	full.Name, full.Width, full.Initial = "mine_2", 0.01, 500*time.Millisecond
	for _, c := range []struct {
		name, text string
		want       Goal
	}{
		{"required keys", baseGoal, base},
		{"no loss is ndr", "loss=0,exceed=0.5,final=1s,sum=21s", lossless},
		{"all keys, any order, spaces", " initial=500ms ,name=mine_2,width=0.01," + baseGoal, full},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseGoal(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(Ratio{})); diff != "" {
				t.Errorf("%q (-want +got):\n%s", c.text, diff)
			}
		})
	}
}

func TestParseGoalRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, complaint string }{
		{"nothing", "", "key=value"},
		{"no value", "loss", "key=value"},
		{"comma at the end", baseGoal + ",", "key=value"},
		{"empty value", baseGoal + ",width=", "key=value"},
		{"loss missing", "exceed=0.5,final=1s,sum=21s", "loss is missing"},
		{"exceed missing", "loss=0,final=1s,sum=21s", "exceed is missing"},
		{"final missing", "loss=0,exceed=0.5,sum=21s", "final is missing"},
		{"sum missing", "loss=0,exceed=0.5,final=1s", "sum is missing"},
		{"unknown key", baseGoal + ",los=1", `"los"`},
		{"key twice", baseGoal + ",loss=0.1", "comes twice"},
		{"loss of 1", "loss=1,exceed=0.5,final=1s,sum=21s", "loss 1: must be"},
		{"negative loss", "loss=-0.1,exceed=0.5,final=1s,sum=21s", "loss -0.1"},
		{"loss NaN", "loss=NaN,exceed=0.5,final=1s,sum=21s", "loss"},
		{"loss no number", "loss=x,exceed=0.5,final=1s,sum=21s", "loss"},
		{"exceed of 1", "loss=0,exceed=1,final=1s,sum=21s", "exceed"},
		{"negative exceed", "loss=0,exceed=-0.5,final=1s,sum=21s", "exceed"},
		{"exceed too fine", "loss=0,exceed=0.0000000001,final=1s,sum=21s", "at most 9 decimals"},
		{"exceed with exponent", "loss=0,exceed=5e-1,final=1s,sum=21s", "exceed"},
		{"final without unit", "loss=0,exceed=0.5,final=1,sum=21s", "final"},
		{"final of 0", "loss=0,exceed=0.5,final=0s,sum=21s", "final"},
		{"negative sum", "loss=0,exceed=0.5,final=1s,sum=-1s", "sum"},
		{"initial above final", baseGoal + ",initial=2s", "initial"},
		{"width of 1", baseGoal + ",width=1", "width"},
		{"negative width", baseGoal + ",width=-1", "width"},
		{"name with a space", baseGoal + ",name=a b", "name"},
		{"throughput with loss", baseGoal + ",name=throughput", "throughput"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if g, err := ParseGoal(c.text); err == nil || !strings.Contains(err.Error(), c.complaint) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: %+v, error %v, want one line with %q", c.text, g, err, c.complaint)
			}
		})
	}
}

func TestRatio(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"0": "0", "0.5": "0.5", ".5": "0.5", "0.50": "0.5", "00.2": "0.2", "0.": "0", "0.123456789": "0.123456789"} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			if r, err := ParseRatio(text); err != nil || r.String() != want {
				t.Errorf("%v, %v; want %s", r, err, want)
			}
		})
	}
	for _, text := range []string{"", ".", "1", "1.0", "-0", "+0.5", "0.5.5", "0,5", "0x0.8", "0.5 ", "0.1234567891", "NaN", "½"} {
		t.Run("refuses "+text, func(t *testing.T) {
			t.Parallel()
			if r, err := ParseRatio(text); err == nil {
				t.Errorf("accepted as %v", r)
			}
		})
	}
	var zero Ratio
	if num, den := zero.parts(); num != 0 || den != 1 {
		t.Errorf("the zero ratio is %d/%d", num, den)
	}
}

func TestGoalJSON(t *testing.T) {
	t.Parallel()
	g, err := Preset("quick")
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(g)
	if err != nil || !strings.Contains(string(b), `"exceed_ratio":0.5,`) {
		t.Errorf("%s, %v", b, err)
	}
	var back Goal
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(g, back, cmp.AllowUnexported(Ratio{})); diff != "" {
		t.Errorf("%s read back (-written +read):\n%s", b, diff)
	}
}
