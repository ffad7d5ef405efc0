package reports

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
)

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{digits(0, thin), "0"}, {digits(1.234, thin), "1.23"}, {digits(12.34, thin), "12.3"}, {digits(123.4, thin), "123.4"},
		{digits(1234.5, thin), "1234"}, {digits(12345.6, ","), "12,346"}, {digits(math.NaN(), thin), none}, {digits(-20000, ","), minus + "20,000"},
		{percent(0), "0" + Nbsp + "%"}, {percent(0.5), "50" + Nbsp + "%"}, {percent(0.0051), "0.5" + Nbsp + "%"},
		{percent(0.00001), "0.001" + Nbsp + "%"}, {percent(1e-9), "<" + thin + "0.001" + Nbsp + "%"}, {percent(math.NaN()), none},
		{span(0), "0"}, {span(150), "150.0" + Nbsp + "ns"}, {span(1500), "1.50" + Nbsp + "µs"}, {span(25 * time.Millisecond), "25.0" + Nbsp + "ms"},
		{span(time.Second), "1" + Nbsp + "s"}, {span(time.Minute), "60.0" + Nbsp + "s"},
		{kilo(812_400), "812.4"}, {kilo(4_000), "4.00"}, {kilo(0), "0.0"}, {kilo(1_480_200), "1480.2"},
		{engineering(5e4), "50k"}, {engineering(1e6), "1M"}, {engineering(0.5), "0.5"}, {engineering(2e9), "2G"},
		{engineering3(1_234_567), "1.23M"}, {engineering3(0), "0"}, {bitText(1e9), "1" + Nbsp + "Gbit/s"}, {bitText(0), "0" + Nbsp + "bit/s"}, {count(1234567), "1" + thin + "234" + thin + "567"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestShellLine(t *testing.T) {
	got := shellLine([]string{"tb", "--a=b", "it's", "", "$(reboot)", "a\nb"})
	want := `tb --a=b 'it'\''s' '' '$(reboot)' ` + "'a\ufffdb'"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestShort(t *testing.T) {
	if got := strictjson.Short(strings.Repeat("é", 1000), 5); got != "éééé…" {
		t.Errorf("got %q", got)
	}
	if got := strictjson.Short("a\x1bb", 5); got != "a\ufffdb" {
		t.Errorf("got %q", got)
	}
}

func TestBounds(t *testing.T) {
	v := rateOf("a", 1000, 2000).Values[0]
	whole := func(x float64) string { return fixed(x, 0, "") }
	if got := bounds(&v, whole); got != "1000–2000" {
		t.Errorf("got %q", got)
	}
	v.Upper = nil
	if got := bounds(&v, whole); got != "≥"+thin+"1000" {
		t.Errorf("got %q", got)
	}
	v.Lower, v.Upper = nil, &v.Value
	if got := bounds(&v, whole); got != "≤"+thin+"1000" {
		t.Errorf("got %q", got)
	}
}
