package counts

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/reports/texttab"
)

// WriteText writes the counts as text, those of several kernels side by side.
func WriteText(w io.Writer, all ...*result.Counts) error {
	for _, c := range all {
		if _, err := fmt.Fprintln(w, machine(c)); err != nil {
			return err
		}
	}
	var err error
	if len(all[0].Costs) > 0 {
		_, gap := fmt.Fprintln(w)
		err = errors.Join(gap, costs(all).Text(w))
	}
	if functions := all[0].Calls; len(functions) > 0 {
		calls := texttab.New(texttab.Left("function"), texttab.Right("instructions a call"))
		for _, x := range functions {
			calls.Add(strictjson.Short(x.Name, show.MaxName), number(x.Instructions))
		}
		_, gap := fmt.Fprintln(w)
		err = errors.Join(err, gap, calls.Text(w))
	}
	_, end := fmt.Fprintf(w, "\n%s\n", Meaning)
	return errors.Join(err, end)
}

// costs returns the table of one kernel, or of several side by side.
func costs(all []*result.Counts) *texttab.Table {
	if len(all) == 1 {
		columns := []texttab.Column{texttab.Left(Head[0])}
		for _, title := range Head[1:] {
			columns = append(columns, texttab.Right(title))
		}
		t := texttab.New(columns...)
		for _, r := range Rows(all[0], nil) {
			t.Add(r...)
		}
		return t
	}
	columns := []texttab.Column{texttab.Left(Head[0]), texttab.Right(Head[1])}
	for _, c := range all {
		release, _, _ := strings.Cut(strictjson.Clean(c.Kernel), " ")
		columns = append(columns, texttab.Right(release))
	}
	t := texttab.New(columns...)
	for _, x := range all[0].Costs {
		cells := []string{strictjson.Short(x.Device, show.MaxName), strconv.Itoa(int(x.FrameSize))}
		for _, c := range all {
			cell := show.None
			if other := c.Cost(x.Device, x.FrameSize); other != nil {
				cell = number(other.Instructions)
			}
			cells = append(cells, cell)
		}
		t.Add(cells...)
	}
	return t
}
