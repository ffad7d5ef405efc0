package reports

import (
	"fmt"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/conformance"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// conformanceView is the page's table of all clauses.
type conformanceView struct {
	Summary string
	Rows    []clauseView
}

type clauseView struct {
	conformance.Assessment
	Deviated bool
	Links    []linkView
}

type linkView struct{ Name, Href string }

// conformanceOf returns the assessment of a run, with places as links within the page.
func conformanceOf(r *result.Results, at string) *conformanceView {
	all := conformance.Assess(r)
	view := &conformanceView{Summary: conformance.Summary(all)}
	for _, a := range all {
		row := clauseView{Assessment: a, Deviated: a.Standing == conformance.Deviated}
		for _, place := range a.Places {
			row.Links = append(row.Links, linkTo(r, place, at))
		}
		view.Rows = append(view.Rows, row)
	}
	return view
}

// linkTo returns the link to a section of the page, or to the first result of a test.
func linkTo(r *result.Results, place, at string) linkView {
	for i := range r.Results {
		if r.Results[i].Test == place {
			return linkView{strictjson.Clean(place), fmt.Sprintf("#%sr%d", at, i+1)}
		}
	}
	return linkView{place, "#" + at + place}
}
