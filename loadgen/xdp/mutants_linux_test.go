package xdp

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/loadgen"

	"github.com/tunnelbench/tunnelbench/loadgen/enginetest"
	"github.com/tunnelbench/tunnelbench/netns"
)

// mutants are frames of every length, told apart by a number; nobody they are for is there.
func mutants() func() []byte {
	buffer, n := make([]byte, loadgen.MaxMutant), 0
	return func() []byte {
		frame := buffer[:20+37*n%(loadgen.MaxMutant-20)]
		for i := range frame {
			frame[i] = byte(n)
		}
		copy(frame, []byte{2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, 0x88, 0xb5})
		binary.BigEndian.PutUint32(frame[14:], uint32(n))
		n++
		return frame
	}
}

// openAttacked is the engine on a network whose wan it can send into as well.
func openAttacked(t *testing.T, room int) (x *Engine, arrives *sys.PacketSocket) {
	t.Helper()
	testenv.NetAdmin(t)
	n, cfg := enginetest.NetworkConfig(t, netns.Dual(netns.Plan{}), 1<<20, loadgen.MaxXDPFrame)
	port := loadgen.Port{Enter: n.NS(netns.Left).Do}
	far := n.NS(netns.Right)
	if err := port.Enter(func() error {
		dev, err := net.InterfaceByName(netns.WAN)
		if err == nil {
			port.Index = dev.Index
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := far.Do(func() error {
		if err := sys.SetEthFeatures(netns.WAN, map[string]bool{"rx-gro": true}); err != nil {
			return err
		}
		dev, err := net.InterfaceByName(netns.WAN)
		if err == nil {
			arrives, err = sys.OpenPacket(dev.Index, 8192, 2200)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { enginetest.Close(t, arrives.Close) })
	cfg.Underlay, cfg.MutantRoom = &port, room
	x, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { enginetest.Close(t, x.Close) })
	return x, arrives
}

// Mutants arrive as they were loaded, in their order, at their rate, and begin
// again when there are no more; the trial beside them is whole.
func TestMutants(t *testing.T) {
	for name, c := range map[string]struct{ room, ask, repeats int }{
		"once":                         {8 << 20, 5000, 0},
		"several times":                {8 << 20, 300, 6},
		"as many as there is room for": {10 * packOctets, 5000, 10},
	} {
		t.Run(name, func(t *testing.T) {
			x, arrives := openAttacked(t, c.room)
			loaded, err := x.LoadMutants(c.ask, mutants())
			if err != nil || loaded != c.ask && c.room > 1<<20 || loaded == 0 {
				t.Fatalf("loaded %d of %d: %v", loaded, c.ask, err)
			}
			p := enginetest.Plan()
			p.Streams[0].NextHop = netns.LeftLANMAC[:]
			p.Load, p.Duration, p.Attack = 10e3, 200*time.Millisecond, 10e3
			var wrong string
			for range 10 { // a busy machine sends less in its time
				if wrong = attack(t, x, arrives, p, loaded, c.repeats); wrong == "" {
					return
				}
			}
			t.Error(wrong)
		})
	}
}

// attack runs a trial beside the mutants and returns what was wrong.
func attack(t *testing.T, x *Engine, arrives *sys.PacketSocket, p loadgen.Plan, loaded, repeats int) string {
	t.Helper()
	l, err := x.Run(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	a, arrived := l.Attack, uint64(checkArrived(t, arrives, loaded))
	switch {
	case a.Refused != 0 || repeats == 0 && a.Repeats != 0:
		t.Errorf("%+v of %d mutants", a, loaded)
	case a.Sent < 1900 || a.Sent > 2100 || int(a.Repeats) < repeats:
		return fmt.Sprintf("%+v of %d mutants", a, loaded)
	case l.Streams[0].Offered != 2000:
		return fmt.Sprintf("the trial beside the attack: %+v", l.Streams[0])
	case arrived < a.Sent*9/10 || arrived > a.Sent: // the ring of a veth holds 256
		return fmt.Sprintf("%d mutants arrived of %d", arrived, a.Sent)
	}
	return ""
}

// checkArrived compares each mutant with what was loaded under its number.
func checkArrived(t *testing.T, s *sys.PacketSocket, loaded int) (n int) {
	t.Helper()
	var want [][]byte
	for next := mutants(); len(want) < loaded; {
		want = append(want, bytes.Clone(next()))
	}
	last := -1
	for {
		p, ok := s.Next()
		if !ok {
			return n
		}
		if len(p.Data) >= 18 && p.Data[12] == 0x88 && p.Data[13] == 0xb5 {
			number := int(binary.BigEndian.Uint32(p.Data[14:]))
			if number >= loaded || !bytes.Equal(p.Data, want[number]) {
				t.Fatalf("arrived: number %d, % x", number, p.Data)
			}
			if number <= last && number > loaded/10 {
				t.Errorf("number %d came after %d of %d", number, last, loaded)
			}
			last = number
			n++
		}
		s.Release()
	}
}

// A trial without an attack sends none.
func TestNoMutants(t *testing.T) {
	x, arrives := openAttacked(t, 0)
	if _, err := x.LoadMutants(100, mutants()); err != nil {
		t.Fatal(err)
	}
	p := enginetest.Plan()
	p.Duration = 20 * time.Millisecond
	l, err := x.Run(context.Background(), p)
	if err != nil || l.Attack != (loadgen.AttackLedger{}) || checkArrived(t, arrives, 100) != 0 {
		t.Errorf("%+v, %v", l.Attack, err)
	}
	if _, err := x.LoadMutants(1, func() []byte { return make([]byte, loadgen.MaxMutant+1) }); err == nil {
		t.Error("a mutant that is too long was loaded")
	}
}
