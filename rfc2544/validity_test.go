package rfc2544

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReject(t *testing.T) {
	t.Parallel()
	short, slow := Because(SenderShort, "sent %d of %d", 1, 2), Because(SlowCore, "slow")
	for _, c := range []struct {
		name    string
		reasons Reasons
		valid   bool
		text    string
	}{
		{"no reason", nil, true, ""},
		{"one", Reasons{short}, false, "sent 1 of 2"},
		{"two", Reasons{short, slow}, false, "sent 1 of 2; slow"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var o Observation
			o.Reject(c.reasons...)
			if o.Valid != c.valid || o.Invalid.String() != c.text || o.Invalid.Has(SenderShort) == c.valid || o.Invalid.Has(Stalled) {
				t.Errorf("%+v", o)
			}
		})
	}
}

// A copy of a trial that is rejected later leaves the first one as it was.
func TestRejectOfACopy(t *testing.T) {
	t.Parallel()
	var first Observation
	first.Invalid = append(make(Reasons, 0, 4), Because(SlowCore, "slow"))
	second, third := first, first
	second.Reject(Because(SenderShort, "short"))
	third.Reject(Because(Stalled, "stalled"))
	if diff := cmp.Diff("slow; short", second.Invalid.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
