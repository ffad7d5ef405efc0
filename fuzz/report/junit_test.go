package report

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tunnelbench/tunnelbench/internal/junit"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
)

// readJUnit decodes the file as another program would. It fails if the XML is not well-formed.
func readJUnit(t *testing.T, f *Campaign) (suite junit.Suite, data []byte) {
	t.Helper()
	data, err := JUnit(f)
	if err != nil {
		t.Fatal(err)
	}
	var all junit.Suites
	if err := xml.Unmarshal(data, &all); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	d := xml.NewDecoder(strings.NewReader(string(data)))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return all.Suite, data
		} else if err != nil {
			t.Fatalf("%v in %s", err, data)
		}
	}
}

func TestJUnit(t *testing.T) {
	suite, data := readJUnit(t, fixture())
	resulttest.Golden(t, "fuzz.junit.xml", data)
	if suite.Tests != 3 || suite.Failures != 1 || suite.Errors != 1 || suite.Time != "131.000" || suite.Timestamp != "2026-11-23T09:30:00" {
		t.Errorf("%+v", suite)
	}
	if len(suite.Cases) != 3 {
		t.Fatalf("%d cases", len(suite.Cases))
	}
	header, decap, config := suite.Cases[0], suite.Cases[1], suite.Cases[2]
	if header.Classname != "fuzz/wire" || header.Name != "Header" || header.Time != "60.000" || len(header.Failures) != 2 || header.Error != nil {
		t.Errorf("%+v", header)
	}
	first := header.Failures[0]
	if first.Message != "panic: runtime error: index out of range [5] with length 3" || first.Type != "panic" {
		t.Errorf("%+v", first)
	}
	want := "github.com/gopacket/gopacket@v1.7.7/layers/gre.go:61 github.com/gopacket/gopacket/layers.(*GRE).DecodeFromBytes\n" +
		"reference/header.go:42 reference.Parse\nfuzz/wire/header.go:17 fuzz/wire.Header\n" +
		"reproduce: tunnelbench fuzz repro --target header fuzz/wire/testdata/fuzz/FuzzHeader/582528ddfad69eb5"
	if first.Text != want {
		t.Errorf("got %q, want %q", first.Text, want)
	}
	if len(decap.Failures) != 0 || decap.Error != nil {
		t.Errorf("%+v", decap)
	}
	if config.Error == nil || config.Error.Message != "the engine ended: exit status 2: out of memory" || len(config.Failures) != 0 {
		t.Errorf("%+v", config)
	}
}

func TestJUnitOfHostileTexts(t *testing.T) {
	for _, name := range append(resulttest.Hostile, "a]]>b", "\x00\x01\x08\x0b\x1f\x7f", "\ufffe\uffff\ud7ff", "</failure></testcase>", `" type="x`) {
		suite, data := readJUnit(t, hostileCampaign(name))
		if !utf8.Valid(data) || strings.ContainsAny(string(data), "\x00\x01\x08\x0b\x1b\x1f\x7f\u202e\ufffe\uffff") {
			t.Errorf("%q: characters that XML forbids, or that deceive", name)
		}
		if strings.ContainsAny(name, "<") && strings.Contains(string(data), name) {
			t.Errorf("%q stands in the file as it is", name)
		}
		if got := suite.Cases[0].Failures[0].Type; got != strictjson.Clean(name) {
			t.Errorf("%q came back as %q", name, got)
		}
		if len(suite.Cases) != 3 || len(suite.Cases[0].Failures) != 2 {
			t.Errorf("%q changed the cases", name)
		}
	}
}

func TestJUnitOfNothing(t *testing.T) {
	if suite, _ := readJUnit(t, &Campaign{}); suite.Tests != 0 || suite.Time != "0.000" || len(suite.Cases) != 0 {
		t.Errorf("%+v", suite)
	}
}
