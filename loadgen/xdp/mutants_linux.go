package xdp

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/loadgen/bpf"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// How mutants lie in the kernel's memory (bpf/tester.h).
const (
	underlayPort = streams
	packOctets   = 16384
	recordHead   = 8
)

// packs is how many packs of mutants the kernel makes room for.
func packs(c loadgen.EngineConfig) uint32 {
	return uint32(max(1, (c.MutantRoom+packOctets-1)/packOctets))
}

// openUnderlay makes the attacker's interface a target of redirects.
func (x *Engine) openUnderlay() error {
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

// LoadMutants loads up to n frames from next for the following trials and returns how many fitted.
// next may reuse its buffer. A trial that needs more frames starts again with the first one. No
// trial may be running.
func (x *Engine) LoadMutants(n int, next func() []byte) (loaded int, err error) {
	memory, err := x.objects.Mutants.Memory()
	if err != nil {
		return 0, fmt.Errorf("map the mutants: %w", err)
	}
	pack := make([]byte, packOctets)
	for i := range int64(packs(x.cfg)) {
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

// fillPack writes up to n frames into a pack and a length of 0 after the last one.
func fillPack(pack []byte, n int, next func() []byte) (filled int, err error) {
	at := 0
	for ; filled < n && at <= packOctets-recordHead-loadgen.MaxMutant; filled++ {
		frame := next()
		if len(frame) == 0 || len(frame) > loadgen.MaxMutant {
			return filled, fmt.Errorf("mutant of %d octets: from 1 to %d", len(frame), loadgen.MaxMutant)
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
	return loadgen.Interval(r)
}

// attacked reads how many mutants were sent.
func (x *Engine) attacked() (loadgen.AttackLedger, error) {
	var a bpf.TesterAttackState
	if err := x.objects.Attack.Get(&a); err != nil {
		return loadgen.AttackLedger{}, errors.Join(errors.New("read the attack's counters"), err)
	}
	return loadgen.AttackLedger{Sent: a.N, Octets: a.Octets, Refused: a.Refused, Repeats: a.Repeats}, nil
}
