package show

import (
	"math"
	"testing"
	"time"
)

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Digits(0, Thin), "0"}, {Digits(1.234, Thin), "1.23"}, {Digits(12.34, Thin), "12.3"}, {Digits(123.4, Thin), "123.4"},
		{Digits(1234.5, Thin), "1234"}, {Digits(12345.6, ","), "12,346"}, {Digits(math.NaN(), Thin), None}, {Digits(-20000, ","), Minus + "20,000"},
		{Percent(0), "0" + Nbsp + "%"}, {Percent(0.5), "50" + Nbsp + "%"}, {Percent(0.0051), "0.5" + Nbsp + "%"},
		{Percent(0.00001), "0.001" + Nbsp + "%"}, {Percent(1e-9), "<" + Thin + "0.001" + Nbsp + "%"}, {Percent(math.NaN()), None},
		{Span(0), "0"}, {Span(150), "150.0" + Nbsp + "ns"}, {Span(1500), "1.50" + Nbsp + "µs"}, {Span(25 * time.Millisecond), "25.0" + Nbsp + "ms"},
		{Span(time.Second), "1" + Nbsp + "s"}, {Span(time.Minute), "60.0" + Nbsp + "s"},
		{Kilo(812_400), "812.4"}, {Kilo(4_000), "4.00"}, {Kilo(0), "0.0"}, {Kilo(1_480_200), "1480.2"},
		{Engineering(5e4), "50k"}, {Engineering(1e6), "1M"}, {Engineering(0.5), "0.5"}, {Engineering(2e9), "2G"},
		{Engineering3(1_234_567), "1.23M"}, {Engineering3(0), "0"}, {BitText(1e9), "1" + Nbsp + "Gbit/s"}, {BitText(0), "0" + Nbsp + "bit/s"}, {Count(1234567), "1" + Thin + "234" + Thin + "567"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestShellLine(t *testing.T) {
	got := ShellLine([]string{"tb", "--a=b", "it's", "", "$(reboot)", "a\nb"})
	want := `tb --a=b 'it'\''s' '' '$(reboot)' ` + "'a\ufffdb'"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
