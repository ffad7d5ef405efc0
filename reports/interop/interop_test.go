package interop

import "testing"

func TestVerdict(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cells []Outcome
		want  Outcome
	}{
		{nil, Unsupported}, {[]Outcome{Unsupported, Unsupported}, Unsupported}, {[]Outcome{Passed, Unsupported}, Passed}, {[]Outcome{Passed, NoVerdict}, NoVerdict}, {[]Outcome{NoVerdict, Failed, Passed}, Failed},
	} {
		r := Report{}
		for _, o := range c.cells {
			r.Cells = append(r.Cells, Cell{Outcome: o})
		}
		if got := r.Verdict(); got != c.want {
			t.Errorf("%v: %s, want %s", c.cells, got, c.want)
		}
	}
}
