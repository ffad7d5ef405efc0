package wireguard

import (
	"fmt"
	"strings"
	"sync/atomic"
)

// Refusal is the reason why a handshake message was not answered or taken.
type Refusal uint8

// The reasons, in the order of the checks.
const (
	Accepted        Refusal = iota
	RefusedForm             // its type or length is that of no message
	RefusedMAC              // mac1 is not made for this end
	RefusedCookie           // under load, and mac2 is missing: a cookie was sent
	RefusedRate             // under load, and the source or all sources send too many
	RefusedIndex            // its receiver index stands for no handshake
	RefusedSeal             // a part of it does not open with this end's keys
	RefusedStranger         // it comes from no peer
	RefusedReplay           // an initiation that is not newer than the last one
	RefusedFlood            // an initiation less than 20 ms after the last one
	RefusedInternal         // no random bytes, or the peer was removed meanwhile
	NumRefusals
)

var refusalNames = [NumRefusals]string{
	"accepted", "form", "mac", "cookie", "rate", "index", "seal", "stranger", "replay", "flood", "internal",
}

// String returns the name of the reason's counter.
func (r Refusal) String() string {
	if r < NumRefusals {
		return refusalNames[r]
	}
	return "unknown"
}

// Tally counts what a device did with handshake messages.
type Tally struct {
	Initiations, Responses, Cookies uint64                        // sent
	Handshakes                      uint64                        // that led to a session
	Received                        [numKinds][NumRefusals]uint64 // by the type of the message
	Unsent                          uint64                        // staged packets that were dropped: no session, or too many
}

// numKinds is the number of types of handshake messages, and one for what is none.
const numKinds = CookieReply + 1

var kindNames = [numKinds]string{"others", "initiations", "responses", "cookies"}

// KindNames returns the names of the types in Tally.Received.
func KindNames() []string { return kindNames[:] }

// tally is a Tally that any goroutine may count in.
type tally struct {
	initiations, responses, cookies, handshakes, unsent atomic.Uint64
	received                                            [numKinds][NumRefusals]atomic.Uint64
}

// receive counts a message.
func (t *tally) receive(message []byte, r Refusal) {
	kind, ok := TypeOf(message)
	if !ok || kind >= numKinds {
		kind = 0
	}
	t.received[kind][r].Add(1)
}

func (t *tally) load() Tally {
	all := Tally{
		Initiations: t.initiations.Load(), Responses: t.responses.Load(), Cookies: t.cookies.Load(), Handshakes: t.handshakes.Load(),
		Unsent: t.unsent.Load(),
	}
	for kind := range t.received {
		for r := range t.received[kind] {
			all.Received[kind][r] = t.received[kind][r].Load()
		}
	}
	return all
}

// Refused returns the number of messages of all types that were refused for a reason.
func (t Tally) Refused(r Refusal) (n uint64) {
	for _, kind := range t.Received {
		n += kind[r]
	}
	return n
}

// String returns a line of what was sent, and one for each type of message that was received, without counters that
// are 0.
func (t Tally) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "handshakes %d sent initiations %d responses %d cookies %d", t.Handshakes, t.Initiations, t.Responses, t.Cookies)
	for kind, counters := range t.Received {
		if counters == [NumRefusals]uint64{} {
			continue
		}
		fmt.Fprintf(&text, "\nreceived %s", kindNames[kind])
		for reason, n := range counters {
			if n > 0 {
				fmt.Fprintf(&text, " %s %d", Refusal(reason), n)
			}
		}
	}
	return text.String()
}
