// Package inputs reads the files that `tunnelbench report` renders. They are untrusted.
//
//	results.json, fuzz.json                   one page of all of them (package reports)
//	trace.json, interop.json, behaviour.json  a page each
//	field.json                                one page of all of them
package inputs

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/internal/bounded"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
	behaviourpage "github.com/tunnelbench/tunnelbench/reports/behaviour/page"
	"github.com/tunnelbench/tunnelbench/reports/field"
	fieldpage "github.com/tunnelbench/tunnelbench/reports/field/page"
	"github.com/tunnelbench/tunnelbench/reports/interop"
	interoppage "github.com/tunnelbench/tunnelbench/reports/interop/page"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/waterfall"
)

// Inputs is what the files have.
type Inputs struct {
	Runs      []*result.Results
	Campaigns []*report.Campaign
	Pages     []Page
	fields    []*field.Field
}

// Page is the page of a file that has one of its own.
type Page struct {
	Name string // of the page, such as trace.html
	HTML []byte
	Text string // the same for a terminal
}

// files are those that stand for their folder.
var files = []string{"results.json", "trace.json", "interop.json", "behaviour.json", "field.json"}

// In returns the paths, with the files of a folder instead of the folder. The error is one line that begins with the path.
func In(paths []string) (found []string, err error) {
	for _, path := range paths {
		about, err := os.Stat(path)
		if err != nil || !about.IsDir() {
			found = append(found, path) // Read says what is wrong with it
			continue
		}
		before := len(found)
		for _, name := range files {
			if _, err := os.Stat(filepath.Join(path, name)); err == nil {
				found = append(found, filepath.Join(path, name))
			}
		}
		if len(found) == before {
			return nil, fmt.Errorf("%s: the folder has none of %s", path, strings.Join(files, ", "))
		}
	}
	return found, nil
}

// Read reads the files. The error is one line that begins with the path.
func Read(ctx context.Context, paths []string) (*Inputs, error) {
	in := &Inputs{}
	for _, path := range paths {
		data, err := bounded.File(ctx, path, strictjson.MaxFile)
		if err == nil {
			err = in.add(data, path)
		}
		if err != nil {
			return nil, err
		}
	}
	return in, in.addFields()
}

// addFields adds the page of all fields, which may be of many machines.
func (in *Inputs) addFields() error {
	if len(in.fields) == 0 {
		return nil
	}
	var text strings.Builder
	for _, f := range in.fields {
		text.WriteString(fieldpage.Text(f))
	}
	html, err := fieldpage.HTML(in.fields)
	in.Pages = append(in.Pages, Page{"field.html", html, text.String()})
	return err
}

func (in *Inputs) add(data []byte, path string) error {
	r := bytes.NewReader(data)
	switch {
	case report.IsCampaign(data):
		c, err := report.Read(r, path)
		in.Campaigns = append(in.Campaigns, c)
		return err
	case begins(data, waterfall.Schema):
		t, err := waterfall.Parse(r, path)
		if err != nil {
			return err
		}
		return in.show(pageOf("trace.html", t, waterfall.HTML, waterfall.Text))
	case begins(data, interop.Schema):
		m, err := interop.Read(r, path)
		if err != nil {
			return err
		}
		return in.show(pageOf("interop.html", m, interoppage.HTML, interoppage.Text))
	case begins(data, behaviour.Schema):
		b, err := behaviour.Read(r, path)
		if err != nil {
			return err
		}
		return in.show(pageOf("behaviour.html", b, behaviourpage.HTML, behaviour.Text))
	case begins(data, field.Schema):
		f, err := field.Read(r, path)
		in.fields = append(in.fields, f)
		return err
	}
	run, err := result.Read(r, path)
	in.Runs = append(in.Runs, run)
	return err
}

// pageOf returns the page of what a file has.
func pageOf[T any](name string, of T, html func(T) ([]byte, error), text func(T) string) (p Page, err error) {
	p = Page{Name: name, Text: text(of)}
	p.HTML, err = html(of)
	return p, err
}

func (in *Inputs) show(p Page, err error) error {
	in.Pages = append(in.Pages, p)
	return err
}

// begins reports whether a file begins like one of a schema, of whichever version.
func begins(data []byte, schema string) bool {
	kind, _, _ := strings.Cut(schema, "/")
	return bytes.Contains(data[:min(len(data), 256)], []byte(kind+"/"))
}
