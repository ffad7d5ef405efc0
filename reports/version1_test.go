package reports

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/reports/result"
)

// The page of a file of schema /1 shows where frames were dropped, too.
func TestVersion1Drops(t *testing.T) {
	t.Parallel()
	f, err := os.Open("result/testdata/version1.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := result.Read(f, "version1.json")
	if err != nil {
		t.Fatal(err)
	}
	var page strings.Builder
	if err := HTML(&page, r); err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{"left socket buffer", "right backlog", "unexplained"} {
		if !strings.Contains(page.String(), place) {
			t.Errorf("the page lacks %q", place)
		}
	}
}

// Files of schema /1 can be read and give the same numbers as in the last build that wrote them;
// the golden files are that build's output.
func TestVersion1(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"version1", "version1-run"} {
		f, err := os.Open("result/testdata/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		r, err := result.Read(f, name)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{"csv", "md"} {
			t.Run(name+"."+form, func(t *testing.T) {
				t.Parallel()
				want, err := os.ReadFile("testdata/" + name + "." + form)
				if err != nil {
					t.Fatal(err)
				}
				got, err := Format(form, []*result.Results{r})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), string(got)); diff != "" {
					t.Errorf("(-then +now):\n%s", diff)
				}
			})
		}
	}
}
