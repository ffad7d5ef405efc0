package page

import (
	"crypto/sha256"
	"encoding/base64"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/reports/field"
	"github.com/tunnelbench/tunnelbench/reports/field/fieldtest"
	"github.com/tunnelbench/tunnelbench/reports/frame"
)

func html(t *testing.T, fields ...*field.Field) string {
	t.Helper()
	text, err := HTML(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Plain tunnels stand with plain ones, the control first; what does not work says why instead of values.
func TestText(t *testing.T) {
	t.Parallel()
	f := fieldtest.Sample()
	f.Sizes = f.Sizes[:1]
	want := `rank  plain tunnels                         64 B, kframes/s         CPU ns/frame       latency µs      overhead B  memory MB         behaviour  what
      plain                             700.0 (686.0–721.0)     5000 (4900–5150)  20.0 (p99 90.0)               –          –                 –  C (kernel)
   1  vxlan              360.0 (352.8–370.8, 51 % of plain)     9000 (8820–9270)  20.0 (p99 90.0)  50.0 (book 50)          –  0 of 1 (not ecn)  C (kernel) · UDP
   2  recipe:fastd/null     80.0 (78.4–82.4, 11 % of plain)  20000 (19600–20600)  20.0 (p99 90.0)               –       7.00                 –  C · UDP
exec:socat.sh: fails under load: lost 900 of 1000 frames of 64 bytes at 1000 frames/s, 12 of them corrupted

`
	got := Text(f)
	first, rest, _ := strings.Cut(got, "rank  sealed tunnels")
	if diff := cmp.Diff(want, first); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{"wireguard-go", "exec:<b>.sh: failed: it did not come up: <script>", "7000 (6000–8000)", "cubic", "gre: cannot run here: this kernel has none"} {
		if !strings.Contains(rest, want) {
			t.Errorf("the text lacks %q:\n%s", want, rest)
		}
	}
}

// The page is the same each time, allows nothing but its style sheet and its script, and shows names of the user as text.
func TestHTML(t *testing.T) {
	t.Parallel()
	text := html(t, fieldtest.Sample())
	if again := html(t, fieldtest.Sample()); again != text {
		t.Error("the second page differs")
	}
	sum := sha256.Sum256([]byte(script))
	for _, want := range []string{
		"<style>" + frame.CSS + "</style>", "default-src &#39;none&#39;", "script-src &#39;sha256-" + strings.ReplaceAll(base64.StdEncoding.EncodeToString(sum[:]), "+", "&#43;") + "&#39;", "<script>" + script + "</script>",
		"<title>vxlan: 360.0 kframes/s", "exec:&lt;b&gt;.sh", "it did not come up: &lt;script&gt;", "fails under load: lost 900 of 1000 frames", "apt-get install fastd", "modprobe ip_gre", "It cannot: IPv6.",
		"Fastest of the plain tunnels", "Fastest of the sealed tunnels", "2026-11-29 01:02:03 UTC", "7000", "a mark of the wan is lost: &lt;i&gt; (RFC 6040, section 4.2)", "above: fragmented", "largest 1450 octets", "not ecn",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, never := range []string{"<b>.sh", " src=", " href=\"http", "style=", "onclick", ">NaN"} {
		if strings.Contains(text, never) {
			t.Errorf("the page has %q", never)
		}
	}
	for _, id := range []string{"0123456789ab-20261129T010203-vxlan"} {
		if strings.Count(text, `id="`+id+`"`) != 1 || strings.Count(text, `href="#`+id+`"`) != 1 {
			t.Errorf("%s is not linked once and there once", id)
		}
	}
}

// Machines are kept apart; several runs of a machine stand below it.
func TestManyMachines(t *testing.T) {
	t.Parallel()
	first, second, again := fieldtest.Sample(), fieldtest.Sample(), fieldtest.Sample()
	second.Machine, second.Host.CPU = "ba9876543210", "another CPU"
	again.Started = again.Started.AddDate(0, 0, 1)
	again.Ended = again.Started
	text := html(t, first, second, again)
	if n := strings.Count(text, `<h2 class="host">`); n != 2 {
		t.Errorf("%d machines, want 2", n)
	}
	if n := strings.Count(text, `<h2 class="run">`); n != 3 {
		t.Errorf("%d runs, want 3", n)
	}
	one, two := strings.Index(text, "2026-11-30 01:02:03 UTC, profile"), strings.Index(text, `<h2 class="host">another CPU`)
	if one < 0 || two < 0 || one > two {
		t.Errorf("the second run of the first machine is at %d, the second machine at %d", one, two)
	}
	ids := map[string]bool{}
	for _, part := range strings.Split(text, ` id="`)[1:] {
		id, _, _ := strings.Cut(part, `"`)
		if ids[id] {
			t.Errorf("the id %s comes twice", id)
		}
		ids[id] = true
	}
}

// A field without values makes a page all the same.
func TestEmpty(t *testing.T) {
	t.Parallel()
	only := fieldtest.Sample()
	only.Devices = only.Devices[:1]
	for name, f := range map[string]*field.Field{"nothing": {}, "the control alone": only} {
		if text := html(t, f); !strings.Contains(text, "</html>") {
			t.Errorf("%s: %s", name, text)
		}
		_ = Text(f)
	}
	if text := Text(only); !strings.Contains(text, "700.0") {
		t.Errorf("the control is not shown:\n%s", text)
	}
}

// No label of the chart lies on another one or on a mark, and each device is drawn in the plot.
func TestChart(t *testing.T) {
	t.Parallel()
	f := fieldtest.Sample()
	crowd := f.Devices[1]
	for i := range 30 {
		d := crowd
		d.Name, d.Points = strings.Repeat("x", 1+i%20)+string(rune('a'+i%26)), []field.Point{crowd.Points[0]}
		v := *crowd.Points[0].Normal
		v.Value *= 1 + float64(i%5)/50
		d.Points[0].Normal = &v
		f.Devices = append(f.Devices, d)
	}
	c, ok := chartOf(f, 64)
	if !ok || len(c.Marks) != 34 {
		t.Fatalf("%d marks", len(c.Marks))
	}
	var shown []box
	for _, m := range c.Marks {
		if !(m.X > c.Left && m.X < c.Right && m.Y > c.Top && m.Y < c.Bottom) {
			t.Errorf("%s is drawn at %v, %v", m.Label, m.X, m.Y)
		}
		if m.Hidden {
			continue
		}
		wide := fontWide * float64(len(m.Label))
		b := box{m.LabelX, m.LabelY - fontHigh/2, m.LabelX + wide, m.LabelY + fontHigh/2}
		if m.Anchor == "end" {
			b.x0, b.x1 = m.LabelX-wide, m.LabelX
		}
		for _, o := range shown {
			if b.meets(o) {
				t.Errorf("the label of %s lies on another one", m.Label)
			}
		}
		shown = append(shown, b)
	}
	if len(shown) < 4 {
		t.Errorf("only %d labels are shown", len(shown))
	}
	if _, ok := chartOf(f, 1518); ok {
		t.Error("a chart of a size that nobody measured")
	}
}

func TestAgreementText(t *testing.T) {
	t.Parallel()
	got := Agreement(64, field.Agreement{Devices: 3, Pairs: 3, Concordant: 1, Discordant: 1, TiedB: 1, Tau: math.NaN(), Raw: 1.0 / 3, Opposed: []string{"a before b"}})
	want := `64 bytes: 3 devices in both, 3 pairs: tau-b – with ties, tau-a 0.333 of the values alone
  1 in the same order, 1 in the opposite one; the intervals overlap of 0 in A, of 1 in B
  only in A: a before b
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
