package field_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/reports/field"
	"github.com/tunnelbench/tunnelbench/reports/field/fieldtest"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func encode(t *testing.T, f *field.Field) []byte {
	t.Helper()
	data, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// What is written follows the schema, for an independent reader too, and is read again as it was.
func TestFile(t *testing.T) {
	t.Parallel()
	validate := resulttest.ValidatorOf(t, field.SchemaJSON())
	long := fieldtest.Sample()
	long.Devices[3].Why = strings.Repeat("x", 1<<16)
	back := fieldtest.Sample()
	back.Ended = back.Started.Add(-time.Hour)
	for name, f := range map[string]*field.Field{"sample": fieldtest.Sample(), "empty": {}, "a long reason": long, "a clock that was set back": back} {
		data := encode(t, f)
		if err := validate(data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		read, err := field.Read(bytes.NewReader(data), "field.json")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if again := encode(t, read); !bytes.Equal(data, again) {
			t.Errorf("%s: the second file differs: %s", name, cmp.Diff(string(data), string(again)))
		}
	}
}

func TestSchemaNeedsEveryKey(t *testing.T) {
	t.Parallel()
	objects := resulttest.CheckSchema(t, field.SchemaJSON(), "shared_cores", "rate_fps", "normal_fps", "share_of_control", "cpu_ns_per_frame", "light", "half", "p50_ns", "p99_ns", "goodput", "memory_bytes", "rule", "why", "rounds")
	if objects != 12 {
		t.Errorf("%d objects seen, want field, tool, host, device, about, interval, point, load, goodput, finding, fact and value", objects)
	}
	if !bytes.Contains(field.SchemaJSON(), []byte(field.Schema)) {
		t.Error("the schema is of another version")
	}
}

func TestReadRefusesBadFiles(t *testing.T) {
	t.Parallel()
	good := string(encode(t, fieldtest.Sample()))
	for _, c := range []struct{ old, new, want string }{
		{"field/1", "field/2", "/schema"},
		{`"fails under load"`, `"works"`, "/devices/3/why"},
		{`"name": "vxlan"`, `"name": "plain"`, "/devices/1/name: is that of /devices/0"},
		{`"ended": "2026`, `"ended": "2025`, "/ended: is before /started"},
		{`"lower": 548800`, `"lower": 648800`, "/devices/0/points/0/rate_fps: is not between its bounds"},
		{`"lower": 6000000000`, `"lower": 9000000000`, "/devices/6/goodput/bps: is not between its bounds"},
		{`"received_frames": 100,`, `"received_frames": 1001,`, "/devices/3/points/0/light/received_frames"},
		{`"rule": "RFC 6040, section 4.2"`, `"rule": ""`, "/devices/1/behaviour/1/rule"},
		{`"profile": "quick"`, `"profile": "quick", "more": 1`, "more"},
	} {
		bad := strings.Replace(good, c.old, c.new, 1)
		if bad == good {
			t.Fatalf("%q does not stand in the file", c.old)
		}
		_, err := field.Read(strings.NewReader(bad), "field.json")
		if err == nil || !strings.HasPrefix(err.Error(), "field.json: ") || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want one line with %q", c.new, err, c.want)
		}
	}
	if _, err := field.Read(strings.NewReader(good[:len(good)/2]), "field.json"); err == nil || !strings.Contains(err.Error(), "ends too early") {
		t.Errorf("half a file: %v", err)
	}
}

// Plain tunnels are compared with plain ones, the fastest first, and those that do not work last; what cannot run here stands
// apart.
func TestGroups(t *testing.T) {
	t.Parallel()
	got := map[string][]string{}
	for _, g := range fieldtest.Sample().Groups() {
		for _, d := range g.Devices {
			got[g.Name] = append(got[g.Name], d.Name)
		}
	}
	for _, d := range fieldtest.Sample().Missing() {
		got["missing"] = append(got["missing"], d.Name)
	}
	want := map[string][]string{
		"calibration": {"plain"}, "plain": {"vxlan", "recipe:fastd/null", "exec:socat.sh"}, "sealed": {"wireguard-go", "exec:<b>.sh"}, "streams": {"recipe:relay"}, "missing": {"gre"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A device that loses many frames where no tunnel has to lose any does not work, whatever it forwards at other loads.
func TestJudge(t *testing.T) {
	t.Parallel()
	load := func(offered, received, late uint64) *field.Load {
		return &field.Load{Rate: 1000, Offered: offered, Received: received, Late: late, Corrupted: 3, CleanOffered: offered, CleanReceived: received}
	}
	disturbed := func(received, cleanOffered, cleanReceived uint64) *field.Load {
		return &field.Load{Rate: 1000, Offered: 1000, Received: received, Corrupted: 3, CleanOffered: cleanOffered, CleanReceived: cleanReceived}
	}
	for name, c := range map[string]struct {
		point field.Point
		state field.State
		why   string
	}{
		"all pass":                {field.Point{Light: load(1000, 1000, 0), Half: load(5000, 4990, 0)}, field.Works, ""},
		"late is not lost":        {field.Point{Light: load(1000, 200, 800)}, field.Works, ""},
		"a tenth is the limit":    {field.Point{Light: load(1000, 900, 0)}, field.Works, ""},
		"lost at the light load":  {field.Point{Size: 64, Light: load(1000, 100, 0)}, field.Overloaded, "lost 900 of 1000 frames of 64 bytes at 1000 frames/s, 3 of them corrupted"},
		"lost at half rate":       {field.Point{Size: 64, Light: load(1000, 1000, 0), Half: load(1000, 500, 1)}, field.Overloaded, "lost 499 of 1000 frames of 64 bytes at 1000 frames/s, 3 of them corrupted"},
		"the machine's fault":     {field.Point{Size: 64, Half: disturbed(600, 100, 95)}, field.Works, ""},
		"not only the machine's":  {field.Point{Size: 64, Half: disturbed(600, 100, 89)}, field.Overloaded, "lost 400 of 1000 frames of 64 bytes at 1000 frames/s, 3 of them corrupted"},
		"no clean time":           {field.Point{Size: 64, Half: disturbed(500, 0, 0)}, field.Works, ""},
		"most without clean time": {field.Point{Size: 64, Half: disturbed(499, 0, 0)}, field.Overloaded, "lost 501 of 1000 frames of 64 bytes at 1000 frames/s, 3 of them corrupted"},
		"silent":                  {field.Point{Size: 64, Light: load(1000, 1000, 0), Rate: &field.Interval{}}, field.Overloaded, "no frame of 64 bytes passes in a closed loop"},
		"nothing measured":        {field.Point{}, field.Works, ""},
	} {
		if state, why := field.Judge([]field.Point{c.point}); state != c.state || why != c.why {
			t.Errorf("%s: %s, %q; want %s, %q", name, state, why, c.state, c.why)
		}
	}
}

// Frames that are too large for a device, which carries smaller ones, are no fault of it, and it has no rate at that size.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	of := func(size rfc2544.FrameSize, received uint64) field.Point {
		return field.Point{Size: size, Light: &field.Load{Rate: 2000, Offered: 2000, Received: received, CleanOffered: 2000, CleanReceived: received}, Rate: &field.Interval{Value: float64(received)}}
	}
	for name, c := range map[string]struct {
		points []field.Point
		state  field.State
		rate   bool // at 1518 bytes
	}{
		"all pass":                {[]field.Point{of(64, 2000), of(1518, 2000)}, field.Works, true},
		"too large":               {[]field.Point{of(64, 2000), of(512, 2000), of(1518, 0)}, field.Works, false},
		"two are too large":       {[]field.Point{of(64, 2000), of(512, 0), of(1518, 0)}, field.Works, false},
		"in another order":        {[]field.Point{of(1518, 0), of(64, 2000)}, field.Works, false},
		"few pass":                {[]field.Point{of(64, 2000), of(1518, 3)}, field.Overloaded, false},
		"nothing passes":          {[]field.Point{of(64, 0), of(1518, 0)}, field.Overloaded, false},
		"only large ones":         {[]field.Point{of(64, 0), of(1518, 2000)}, field.Overloaded, false},
		"it had ended in silence": {[]field.Point{of(64, 1000), of(1518, 0)}, field.Overloaded, false},
	} {
		d := field.Device{Points: c.points}
		d.State, d.Why = field.Judge(c.points)
		if d.State != c.state || (d.Why == "") != (c.state == field.Works) || (d.Rate(1518) != nil) != c.rate {
			t.Errorf("%s: %s, %q, rate %v", name, d.State, d.Why, d.Rate(1518))
		}
	}
}
