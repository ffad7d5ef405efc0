package splitmix

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The first outputs of splitmix64.c (Vigna) with seed 1234567.
func TestMix(t *testing.T) {
	t.Parallel()
	var state uint64 = 1234567
	var got []uint64
	for range 5 {
		state += Golden
		got = append(got, Mix(state))
	}
	want := []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
