package texttab

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func table() *Table {
	t := New(Left("device"), Right("µs"), Left("note"))
	t.Add("vxlan", "1.5", "a,b")
	t.Add("wg", "1000")
	return t
}

func TestForms(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		write func(*Table, *strings.Builder) error
		want  string
	}{
		"text":     {func(x *Table, b *strings.Builder) error { return x.Text(b) }, "device    µs  note\nvxlan    1.5  a,b\nwg      1000\n"},
		"body":     {func(x *Table, b *strings.Builder) error { return x.Body(b) }, "vxlan   1.5  a,b\nwg     1000\n"},
		"indented": {func(x *Table, b *strings.Builder) error { x.Indent = "> "; return x.Body(b) }, "> vxlan   1.5  a,b\n> wg     1000\n"},
		"colour": {func(x *Table, b *strings.Builder) error { x.Colour = true; return x.Text(b) },
			"\x1b[1mdevice    µs  note\x1b[0m\nvxlan    1.5  a,b\nwg      1000\n"},
		"markdown": {func(x *Table, b *strings.Builder) error { return x.Markdown(b) }, "| device | µs | note |\n|---|---:|---|\n| vxlan | 1.5 | a,b |\n| wg | 1000 |  |\n"},
		"csv":      {func(x *Table, b *strings.Builder) error { return x.CSV(b) }, "device,µs,note\nvxlan,1.5,\"a,b\"\nwg,1000,\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			if err := c.write(table(), &b); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, b.String()); diff != "" {
				t.Errorf("table (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRowByRow checks that rows written one by one line up by the columns' minimum widths.
func TestRowByRow(t *testing.T) {
	t.Parallel()
	x := New(Column{Title: "a", Width: 4}, Column{Title: "b", Right: true, Width: 4})
	var b strings.Builder
	for _, write := range []func() error{
		func() error { return x.Header(&b) },
		func() error { return x.Row(&b, Bad, "one", "1") },
		func() error { return x.Row(&b, Plain, "three", "3000") },
	} {
		if err := write(); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff("a        b\none      1\nthree  3000\n", b.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}
