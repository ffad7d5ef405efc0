package live

import (
	"context"
	"encoding/binary"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/tunnelbench/tunnelbench/fuzz/live/mutate"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// datagramFrame returns an Ethernet frame with a UDP datagram.
func datagramFrame(ipv6 bool, message []byte) []byte {
	network := ipv4Len
	if ipv6 {
		network = ipv6Len
	}
	frame := make([]byte, ethernetLen+network+udpLen, ethernetLen+network+udpLen+len(message))
	binary.BigEndian.PutUint16(frame[12:], 0x0800)
	frame[ethernetLen] = 0x45
	if ipv6 {
		binary.BigEndian.PutUint16(frame[12:], etherIPv6)
		frame[ethernetLen] = 0x60
	}
	return append(frame, message...)
}

// The program in the kernel and the function behind it agree on what a handshake message is.
func TestHandshakesAreHeard(t *testing.T) {
	t.Parallel()
	program, err := handshakeFilter()
	if err != nil {
		t.Fatal(err)
	}
	var instructions []bpf.Instruction
	for _, op := range program {
		instructions = append(instructions, op.Disassemble())
	}
	vm, err := bpf.NewVM(instructions)
	if err != nil {
		t.Fatal(err)
	}
	message := func(kind byte, n int) []byte { return append([]byte{kind, 0, 0, 0}, make([]byte, n-4)...) }
	for _, c := range []struct {
		name    string
		message []byte
		kept    bool
		taken   bool
	}{
		{"initiation", message(1, 148), true, true},
		{"response", message(2, 92), true, true},
		{"cookie reply", message(3, 64), false, false},
		{"data", message(4, 148), false, false},
		{"an initiation that is cut", message(1, 147), true, false},
		{"a response of another length", message(2, 148), true, false},
		{"reserved bytes", append([]byte{1, 0, 0, 1}, make([]byte, 144)...), false, false},
		{"nothing", nil, false, false},
	} {
		for _, ipv6 := range []bool{false, true} {
			frame := datagramFrame(ipv6, c.message)
			kept, err := vm.Run(frame)
			if err != nil || (kept > 0) != c.kept {
				t.Errorf("%s, IPv6 %t: %d bytes are kept, %v", c.name, ipv6, kept, err)
			}
			if kept > 0 && (handshakeIn(frame[:min(kept, len(frame))]) != nil) != c.taken {
				t.Errorf("%s, IPv6 %t: taken is not %t", c.name, ipv6, c.taken)
			}
		}
	}
}

// An attacker of WireGuard learns the live session from the link; no flood brings a tunnel of WireGuard down,
// and every answer is by the rules.
func TestFloodsOfWireGuard(t *testing.T) {
	l := openLab(t)
	for _, c := range []struct {
		device, counter string // "": it reports none
		kind            mutate.Kind
		direction       string
	}{
		{"reference-wg-xdp", "decap dropped seal", mutate.WireGuardTag, rfc2544.Reverse},
		{"wireguard-go", "", mutate.WireGuardReplay, rfc2544.Forward},
	} {
		t.Run(c.device+" "+c.kind.String()+" "+c.direction, func(t *testing.T) {
			d, err := dut.Parse(c.device)
			if err != nil {
				t.Fatal(err)
			}
			settings, p := labSettings("xdp"), shortPlan()
			settings.Direction, p.Kind = c.direction, c.kind
			r, err := Attack(context.Background(), OnLab(l, settings), d, p, Observer{})
			if err != nil {
				t.Fatal(err)
			}
			checkFindings(t, r.DeviceReport, "", "")
			if c.counter == "" {
				return
			}
			if got := r.Counters[r.Attacked][c.counter]; got < int64(r.Sent.Frames)/2 {
				t.Errorf("%d of %d mutants are counted as %q: %v, notes %q", got, r.Sent.Frames, c.counter, r.Counters, r.Notes)
			}
		})
	}
}
