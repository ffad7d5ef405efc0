package reports

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/reports/frame"

	"github.com/tunnelbench/tunnelbench/reports/charts"
	"github.com/tunnelbench/tunnelbench/reports/matrix"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
)

// element is a start tag of the page.
type element struct {
	name string
	attr map[string]string
	text string // text directly after the tag
}

// parse reads the page as strictly as XML, except for void elements. It fails on a tag that is not
// closed in the right place.
func parse(t *testing.T, page []byte) []element {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(page))
	d.Strict = true
	d.Entity = xml.HTMLEntity
	var all []element
	var open []string
	for {
		tok, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		switch v := tok.(type) {
		case xml.StartElement:
			e := element{name: v.Name.Local, attr: map[string]string{}}
			for _, a := range v.Attr {
				e.attr[a.Name.Local] = a.Value
			}
			all = append(all, e)
			if e.name != "meta" && e.name != "br" {
				open = append(open, e.name)
			}
		case xml.EndElement:
			if len(open) == 0 || open[len(open)-1] != v.Name.Local {
				t.Fatalf("</%s> closes %v", v.Name.Local, open)
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if len(all) > 0 {
				all[len(all)-1].text += string(v)
			}
		}
	}
	if len(open) > 0 {
		t.Fatalf("left open: %v", open)
	}
	return all
}

func render(t *testing.T, r *result.Results) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := HTML(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// elementNames lists all elements that a page may have: no script, image, link, form or frame.
var elementNames = strings.Fields(`html head meta title style body a header p span h1 h2 h3 ul li strong bdi details summary
	nav main section article div table caption thead tbody tr th td b br svg g path text desc rect figure figcaption dl dt dd pre code footer`)

// checkPage tests what holds for every page, whatever its names are.
func checkPage(t *testing.T, page []byte) []element {
	t.Helper()
	all := parse(t, page)
	ids := map[string]bool{}
	for _, e := range all {
		if !slices.Contains(elementNames, e.name) {
			t.Errorf("element <%s> has no place here", e.name)
		}
		for key, value := range e.attr {
			switch {
			case strings.HasPrefix(key, "on"), key == "style", key == "src", key == "srcset":
				t.Errorf("<%s %s=%q>", e.name, key, value)
			case key == "href" && !strings.HasPrefix(value, "#"):
				t.Errorf("a link leaves the page: %q", value)
			case key == "id" && ids[value]:
				t.Errorf("id %q stands twice", value)
			case key == "id":
				ids[value] = true
			}
		}
	}
	for _, e := range all {
		if ref := e.attr["href"]; ref != "" && !ids[ref[1:]] {
			t.Errorf("%s leads nowhere", ref)
		}
	}
	if !bytes.Contains(page, []byte("<style>"+frame.CSS+"</style>")) {
		t.Error("the style sheet is not the one the policy knows")
	}
	if strings.ContainsAny(string(page), "\x1b\x00\u202e") {
		t.Error("control characters in the page")
	}
	return all
}

func TestPage(t *testing.T) {
	page := render(t, resulttest.Fixture())
	all := checkPage(t, page)
	count := map[string]int{}
	for i, e := range all {
		count[e.name]++
		switch {
		case e.name == "svg" && e.attr["role"] == "img":
			if all[i+1].name != "title" || all[i+1].text == "" || all[i+2].name != "desc" || all[i+2].text == "" {
				t.Error("a chart has no title or description")
			}
		case e.name == "svg" && e.attr["aria-hidden"] != "true":
			t.Error("an svg is neither a figure nor hidden")
		case e.name == "table" && all[i+1].name != "caption":
			t.Error("a table has no caption")
		case e.name == "meta" && e.attr["http-equiv"] != "":
			if e.attr["content"] != frame.Policy() || !strings.HasPrefix(frame.Policy(), "default-src 'none'; style-src 'sha256-") {
				t.Errorf("policy %q", e.attr["content"])
			}
		}
	}
	if count["h1"] != 1 || count["figure"] != count["figcaption"] || count["figure"] < 4 {
		t.Errorf("headings and figures: %v", count)
	}
	text := string(page)
	for _, r := range matrix.NewMatrix(resulttest.Fixture()).Rows {
		if !strings.Contains(text, "<bdi>"+r.Label+"</bdi>") {
			t.Errorf("%s is not in the page", r.Label)
		}
	}
	for _, want := range []string{"Fastest plain tunnel", "Could not run here", "is not a run by RFC 2544", "1s instead of 1m0s (RFC 2544 section 24)", "net.core.rmem_max 212992 -&gt; 7500000", "3f2a9c1d7b", "RFC 2330", "&#39;vxlan,reference,wireguard-go,exec:./my tunnel.sh&#39;"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	if strings.Contains(text, "http:") || strings.Contains(text, "https:") || strings.Contains(text, "url(") || strings.Contains(text, "@import") {
		t.Error("the page names something outside itself")
	}
	if !bytes.Equal(page, render(t, resulttest.Fixture())) {
		t.Error("the same results gave other bytes")
	}
	if len(page) > 600<<10 {
		t.Errorf("the page has %d octets", len(page))
	}
}

func TestPageEscapesHostileNames(t *testing.T) {
	for _, name := range resulttest.Hostile {
		page := render(t, resulttest.HostileFixture(name))
		checkPage(t, page)
		if strings.ContainsAny(name, `<"`) && bytes.Contains(page, []byte(name)) {
			t.Errorf("%q stands in the page as it is", name)
		}
	}
}

func TestPageOfPoorResults(t *testing.T) {
	zero := 0.0
	for name, r := range map[string]*result.Results{
		"nothing": {},
		"only unsupported": {Results: []result.Result{
			{DUT: "a", Kind: result.KindPlain, FrameSize: 64, Unsupported: "no"},
		}},
		"one size, zero values": {Results: []result.Result{{DUT: "a", Kind: result.KindPlain, FrameSize: 64, Valid: true,
			Values: append(rateOf("a", 0, 0).Values, rateOf("a", 0, 0).Values...)}}, Calibration: []result.Calibration{{FrameSize: 64}}},
		"zero latency": {Results: []result.Result{latencyOf("a", 0, 0)}},
		"p50 only":     {Results: []result.Result{latencyOf("a", 900, -1)}},
		"negative cpu": {Results: []result.Result{cpuOf("a", -40)}},
		"unknown kind": {Results: []result.Result{{DUT: "a", Kind: "odd", FrameSize: 64}}},
		"no upper":     {Results: []result.Result{{DUT: "a", Kind: result.KindSealed, FrameSize: 64, Valid: true, Values: openValue(&zero)}}},
	} {
		page := render(t, r)
		checkPage(t, page)
		if bytes.Contains(page, []byte("NaN")) || bytes.Contains(page, []byte("Inf")) {
			t.Errorf("%s: a number that is none", name)
		}
		if _, err := charts.WritePNGs(t.TempDir(), r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWriteHTML(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.html")
	if err := WriteHTML(path, []*result.Results{resulttest.Fixture()}, nil); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(data, render(t, resulttest.Fixture())) {
		t.Errorf("the file is not the page: %v", err)
	}
	if err := WriteHTML(filepath.Join(path, "x"), []*result.Results{resulttest.Fixture()}, nil); err == nil {
		t.Error("written into a file")
	}
}
