package reference

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"net/netip"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/live/mutate"
	"github.com/tunnelbench/tunnelbench/reference/events"
)

// floodKinds are the messages that a stranger floods an end with.
var floodKinds = []mutate.Kind{mutate.Junk, mutate.WireGuardMAC, mutate.WireGuardForged, mutate.WireGuardReplay, mutate.WireGuardTag, mutate.WireGuardIndex}

// flooded returns a pair of ends, and messages of a kind for the right one.
func flooded(tb testing.TB, kind mutate.Kind) (p *sealedPair, from netip.AddrPort, messages [][]byte) {
	tb.Helper()
	p = newSealedPair(tb)
	p.left.Encap(packetBetween(behindLeft, behindRight, 60))
	p.left.Control(p.now)
	initiation := p.toRight[0]
	p.right.Decap(leftAddr, append([]byte(nil), initiation...), 0)
	p.right.Control(p.now)
	answer := p.toLeft[0]
	p.settle()
	session := &mutate.Session{Receiver: p.rightKey.Public(), Initiation: initiation, Index: binary.LittleEndian.Uint32(answer[4:])}
	from = netip.MustParseAddrPort("192.0.2.9:6666")
	s := mutate.New(1, kind, mutate.Path{From: []netip.AddrPort{from}, To: rightAddr.Addr(), Ports: []uint16{51820}, MTU: 1500, Session: session})
	for range 64 {
		messages = append(messages, s.Next(nil)[14+20+8:])
	}
	p.right.conn.sendTo = func(netip.AddrPort, []byte) {}
	return p, from, messages
}

// A flood of packets makes a line a second for each kind, with their number. TB_FLOOD is how many packets of a kind come
// in three seconds; docs/results.md has a million.
func TestFloodInTheLog(t *testing.T) {
	times := 4000
	if n, err := strconv.Atoi(os.Getenv("TB_FLOOD")); err == nil {
		times = n
	}
	for _, kind := range floodKinds {
		t.Run(kind.String(), func(t *testing.T) {
			p, from, messages := flooded(t, kind)
			var out bytes.Buffer
			log, err := events.NewLogger(&out, "json", "debug")
			if err != nil {
				t.Fatal(err)
			}
			w, at := events.NewWatcher(log), p.now
			w.Look(at, p.right.tunnel.Totals(), p.right.tunnel.Glances())
			for range 3 {
				out.Reset()
				sent := 0
				for sent < times/3 {
					for _, m := range messages {
						p.right.Decap(from, m, 0)
					}
					p.right.Control(p.now)
					sent += len(messages)
				}
				at = at.Add(events.Period)
				w.Look(at, p.right.tunnel.Totals(), p.right.tunnel.Glances())
				if counted := countsOf(t, out.Bytes()); counted != sent {
					t.Errorf("%d messages are in the log, %d came", counted, sent)
				}
			}
		})
	}
}

// countsOf returns the sum of the counts in a log. It fails the test if two lines are of one kind.
func countsOf(t *testing.T, log []byte) (sum int) {
	t.Helper()
	type kind struct{ Msg, Direction, Reason string }
	seen := map[kind]bool{}
	for lines := json.NewDecoder(bytes.NewReader(log)); lines.More(); {
		var l struct {
			kind
			Time  time.Time
			Count int
		}
		if err := lines.Decode(&l); err != nil {
			t.Fatal(err)
		}
		if l.Count == 0 || seen[l.kind] {
			t.Errorf("a second line of its kind, or without a count: %s", log)
		}
		seen[l.kind] = true
		sum += l.Count
	}
	return sum
}
