package loadgen

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tunnelbench/tunnelbench/loadgen/bpf"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// How mutants lie in the kernel's memory (bpf/tester.h).
const (
	underlayPort = 2
	packOctets   = 16384
	recordHead   = 8
)

// packs is how many packs of mutants the kernel makes room for.
func (c EngineConfig) packs() uint32 {
	return uint32(max(1, (c.MutantRoom+packOctets-1)/packOctets))
}

// openUnderlay makes the attacker's interface a target of redirects.
func (x *XDP) openUnderlay() error {
	port := x.cfg.Underlay
	if port == nil {
		return nil
	}
	return port.Enter(func() error {
		if err := x.objects.Ports.Put(uint32(underlayPort), uint32(port.Index)); err != nil {
			return fmt.Errorf("underlay port: enter into the device map: %w", err)
		}
		return nil
	})
}

// LoadMutants has the next trials send up to n frames of next, which may use one
// buffer for all, and returns how many there was room for. A trial that needs
// more begins again with the first. No trial may be running.
func (x *XDP) LoadMutants(n int, next func() []byte) (loaded int, err error) {
	memory, err := x.objects.Mutants.Memory()
	if err != nil {
		return 0, fmt.Errorf("map the mutants: %w", err)
	}
	pack := make([]byte, packOctets)
	for i := range int64(x.cfg.packs()) {
		got, err := fillPack(pack, n-loaded, next)
		if err != nil {
			return loaded, err
		}
		if _, err := memory.WriteAt(pack, i*packOctets); err != nil {
			return loaded, fmt.Errorf("write the mutants: %w", err)
		}
		if loaded += got; got == 0 { // a pack of none, which ends them
			break
		}
	}
	return loaded, nil
}

// fillPack writes up to n frames into a pack, with a length of 0 behind the last.
func fillPack(pack []byte, n int, next func() []byte) (filled int, err error) {
	at := 0
	for ; filled < n && at <= packOctets-recordHead-MaxMutant; filled++ {
		frame := next()
		if len(frame) == 0 || len(frame) > MaxMutant {
			return filled, fmt.Errorf("mutant of %d octets: from 1 to %d", len(frame), MaxMutant)
		}
		binary.NativeEndian.PutUint64(pack[at:], uint64(len(frame)))
		copy(pack[at+recordHead:], frame)
		at += recordHead + (len(frame)+7)&^7
	}
	clear(pack[at:])
	return filled, nil
}

// attackInterval is the plan's interval between mutants.
func attackInterval(r rfc2544.Rate) uint64 {
	if r == 0 {
		return 0
	}
	return intervalOf(r)
}

// attacked reads what was sent of the attack.
func (x *XDP) attacked() (AttackLedger, error) {
	var a bpf.TesterAttackState
	if err := x.objects.Attack.Get(&a); err != nil {
		return AttackLedger{}, errors.Join(errors.New("read the attack's counters"), err)
	}
	return AttackLedger{Sent: a.N, Octets: a.Octets, Refused: a.Refused, Repeats: a.Repeats}, nil
}
