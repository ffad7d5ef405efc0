package dissector

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/loadgen/signature"
)

var signatureFields = []string{
	"tunnelbench_signature.magic", "tunnelbench_signature.trial", "tunnelbench_signature.stream", "tunnelbench_signature.check.status",
	"tunnelbench_signature.sequence", "tunnelbench_signature.sent_at",
}

// marked returns a UDP payload with a signature, and a part of what follows it.
func marked(s signature.Signature, rest int) []byte {
	payload := make([]byte, signature.Len+rest)
	s.Put(payload)
	return payload
}

// Signatures are found on the port of RFC 2544 and on others, in a tunnel and outside, and are what our decoder
// finds. A damaged one is shown, and is said to be damaged.
func TestSignatures(t *testing.T) {
	t.Parallel()
	const seed, frames = 21, 3000
	t.Log("seed", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var packets [][]byte
	var want [][]string
	for range frames {
		s := signature.Signature{Trial: uint16(r.Uint32()), Stream: uint8(r.Uint32()), Sequence: r.Uint32(), SentAt: r.Uint64()}
		payload, status := marked(s, r.IntN(1400)), "1"
		if r.IntN(4) == 0 {
			payload[5] ^= 1 << r.IntN(8)
			status = "0"
			if _, err := signature.Parse(payload); !errors.Is(err, signature.ErrDamaged) {
				t.Fatalf("%v, want %v", err, signature.ErrDamaged)
			}
		}
		port := uint16(echoPort)
		if r.IntN(2) == 0 {
			port = 1 + uint16(r.UintN(49151)) // RFC 4814 section 4.5
		}
		p := udp(t, port, payload)
		if r.IntN(2) == 0 {
			p = udp(t, tunnelPort, datagram(7, 1, p))
		}
		packets = append(packets, p)
		want = append(want, []string{"0x7462", fmt.Sprint(s.Trial), fmt.Sprint(s.Stream), status, fmt.Sprint(s.Sequence), fmt.Sprint(s.SentAt)})
	}
	got := rows(t, signatureFields, captured(t, packets...), "-o", "udp.try_heuristic_first:TRUE")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// echoPort is the port of RFC 2544 appendix C.2.6.4.
const echoPort = 7

var signatureOfTests = signature.Signature{Trial: 7, Stream: 1, Sequence: 9, SentAt: 1e9}

// What has no signature is no business of ours: an echo stays one.
func TestNoSignature(t *testing.T) {
	t.Parallel()
	mark := marked(signature.Signature{Trial: 1}, 0)
	foreign := append([]byte("no mark of ours"), mark...)
	file := captured(t, udp(t, echoPort, mark), udp(t, echoPort, foreign), udp(t, echoPort, mark[:signature.Len-1]), udp(t, 40001, foreign))
	want := [][]string{{"1", ""}, {"", string("6e6f206d61726b206f66206f757273" + fmt.Sprintf("%x", mark))}, {"", fmt.Sprintf("%x", mark[:signature.Len-1])}, {"", ""}}
	if diff := cmp.Diff(want, rows(t, []string{"tunnelbench_signature.trial", "echo.data"}, file)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
