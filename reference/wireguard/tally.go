package wireguard

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
	numRefusals
)

var refusalNames = [numRefusals]string{
	"accepted", "form", "mac", "cookie", "rate", "index", "seal", "stranger", "replay", "flood", "internal",
}

// String returns the name of the reason's counter.
func (r Refusal) String() string {
	if r < numRefusals {
		return refusalNames[r]
	}
	return "unknown"
}

// Tally counts what a device did with handshake messages.
type Tally struct {
	Initiations, Responses, Cookies uint64 // sent
	Handshakes                      uint64 // that led to a session
	Received                        [numRefusals]uint64
	Unsent                          uint64 // staged packets that were dropped: no session, or too many
}
