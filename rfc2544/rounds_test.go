package rfc2544

import "testing"

func roundOf(value float64, upper *float64, valid bool) Outcome {
	o := newOutcome(NameRate)
	o.Valid = valid
	o.Trials = make([]Observation, 3)
	lower := value
	o.Values = []Value{{Name: "pdr", Unit: unitRate, Value: value, Lower: &lower, Upper: upper, N: 3, Better: higherBetter}}
	return o
}

func above(v float64) *float64 { return &v }

func TestMerge(t *testing.T) {
	t.Parallel()
	got := Merge([]Outcome{
		roundOf(300, above(306), true), roundOf(220, above(225), true), roundOf(310, above(316), true), roundOf(999, above(1000), false),
	})
	v := got.Values[0]
	if !got.Valid || got.Test != NameRate || len(got.Values) != 1 || len(got.Trials) != 12 {
		t.Errorf("%+v", got)
	}
	if v.Value != 300 || *v.Lower != 220 || *v.Upper != 316 || v.N != 9 {
		t.Errorf("got %v from %v to %v of %d, want 300 from 220 to 316 of 9 trials", v.Value, *v.Lower, *v.Upper, v.N)
	}
}

func TestMergeWithoutUpperBound(t *testing.T) {
	t.Parallel()
	got := Merge([]Outcome{roundOf(300, above(306), true), roundOf(500, nil, true)})
	if v := got.Values[0]; v.Upper != nil || v.Value != 400 {
		t.Errorf("%+v: a round that met no end leaves the value without one", v)
	}
}

func TestMergeOfSpoiltRounds(t *testing.T) {
	t.Parallel()
	if got := Merge([]Outcome{roundOf(300, nil, true), roundOf(310, nil, false)}); got.Valid || len(got.Values) != 1 {
		t.Errorf("one valid round of two: %+v, want the value, not valid", got)
	}
	if got := Merge([]Outcome{roundOf(1, nil, false), roundOf(2, nil, false)}); got.Valid || len(got.Values) != 0 || len(got.Trials) != 6 {
		t.Errorf("no valid round: %+v, want the trials only", got)
	}
	held := roundOf(3, nil, false)
	held.Held = true
	if got := Merge([]Outcome{held, held, roundOf(1, above(2), false)}); got.Valid || !got.Held || len(got.Values) != 1 || got.Values[0].Value != 3 {
		t.Errorf("held rounds: %+v, want their lower bound, not valid", got)
	}
	if got := Merge([]Outcome{held, roundOf(1, above(2), true), roundOf(1, above(2), true)}); !got.Valid || got.Held || got.Values[0].Upper == nil {
		t.Errorf("one held round of three: %+v, want the other two", got)
	}
	one := roundOf(7, nil, false)
	if got := Merge([]Outcome{one}); got.Valid || len(got.Values) != 1 {
		t.Errorf("a single round: %+v, want it as it is", got)
	}
}
