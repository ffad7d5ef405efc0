package wireguard

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What was refused is counted for its reason and the type of the message.
func TestTallySaysWhatWasRefused(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, nil)
	n.send(n.left, numbered(1))
	var first []byte
	for _, s := range n.sent {
		if s.kind == Initiation {
			first = s.Datagram
		}
	}
	d := n.right.device
	d.Handshake(n.now, first, left, false)
	d.Handshake(n.now, mutate(first, func(m []byte) { m[120] ^= 1 }), left, false) // mac1
	d.Handshake(n.now, make([]byte, ResponseLen), left, false)
	d.Handshake(n.now, mutate(make([]byte, ResponseLen), func(m []byte) { m[0] = byte(Response) }), left, false)
	d.Handshake(n.now, mutate(make([]byte, CookieReplyLen), func(m []byte) { m[0] = byte(CookieReply) }), left, false)
	want := `handshakes 1 sent initiations 0 responses 1 cookies 0
received others form 1
received initiations accepted 1 mac 1 replay 1
received responses mac 1
received cookies index 1`
	if diff := cmp.Diff(want, d.Tally().String()); diff != "" {
		t.Error(diff)
	}
	if got := d.Tally().Refused(RefusedMAC); got != 2 {
		t.Errorf("%d messages with a wrong mac1", got)
	}
	if got := (Tally{}).String(); got != "handshakes 0 sent initiations 0 responses 0 cookies 0" {
		t.Errorf("before any message: %s", got)
	}
}
