package lab

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/reports"
)

// answers counts what comes out of the link for the stranger. The program looks at
// every frame that arrives at the attacker's end, in quiet trials as well, and lets all pass.
type answers struct {
	program *ebpf.Program
	counts  *ebpf.Map
}

// The counters of the program.
const (
	otherFrames = iota
	otherOctets
	icmpFrames
	icmpOctets
	numAnswers
)

// answerCount is traffic to the stranger by kind.
type answerCount struct{ other, icmp traffic }

type traffic reports.Traffic

func (t traffic) minus(o traffic) reports.Traffic {
	return reports.Traffic{Frames: t.Frames - o.Frames, Octets: t.Octets - o.Octets}
}

// countAnswers puts the counter on the wan interface of a namespace (tc-bpf(8)).
func countAnswers(ns *netns.NS, stranger netip.Addr) (*answers, error) {
	a := &answers{}
	var err error
	a.counts, err = ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: numAnswers})
	if err != nil {
		return nil, err
	}
	a.program, err = ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "answers", Type: ebpf.SchedCLS, License: "MIT", Instructions: answerProgram(a.counts.FD(), stranger),
	})
	if err == nil {
		err = ns.Netlink(a.attach)
	}
	if err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

func (a *answers) attach(h *netlink.Handle) error {
	wan, err := h.LinkByName(netns.WAN)
	if err != nil {
		return err
	}
	const priority, allProtocols = 1, 3 // ETH_P_ALL
	attrs := netlink.QdiscAttrs{LinkIndex: wan.Attrs().Index, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT}
	if err := h.QdiscAdd(&netlink.Clsact{QdiscAttrs: attrs}); err != nil {
		return fmt.Errorf("clsact: %w", err)
	}
	err = h.FilterAdd(&netlink.BpfFilter{
		FilterAttrs: netlink.FilterAttrs{LinkIndex: wan.Attrs().Index, Parent: netlink.HANDLE_MIN_INGRESS, Handle: 1, Protocol: allProtocols, Priority: priority},
		Fd:          a.program.FD(), Name: "answers", DirectAction: true,
	})
	if err != nil {
		return fmt.Errorf("filter: %w", err)
	}
	return nil
}

// Where things lie in an Ethernet frame with an IP packet, and in struct __sk_buff.
const (
	etherType             = 12
	protocol4, target4    = 23, 30
	protocol6, target6    = 20, 38
	numberICMP, numberIP6 = 1, 58
	skbLen, skbSegments   = 0, 164
)

// answerProgram counts by the protocol of what is for the stranger. A super-packet
// counts as the frames that it stands for.
func answerProgram(counts int, stranger netip.Addr) asm.Instructions {
	kind, protocol, target, icmp := int32(0x0800), int32(protocol4), int32(target4), int32(numberICMP)
	if stranger.Is6() {
		kind, protocol, target, icmp = 0x86dd, protocol6, target6, numberIP6
	}
	p := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.LoadAbs(etherType, asm.Half), asm.JNE.Imm(asm.R0, kind, "out"),
	}
	addr := stranger.AsSlice()
	for i := 0; i < len(addr); i += 4 {
		word := int32(uint32(addr[i])<<24 | uint32(addr[i+1])<<16 | uint32(addr[i+2])<<8 | uint32(addr[i+3]))
		p = append(p, asm.LoadAbs(target+int32(i), asm.Word), asm.JNE.Imm32(asm.R0, word, "out"))
	}
	p = append(p, asm.LoadAbs(protocol, asm.Byte),
		asm.Mov.Imm(asm.R7, otherFrames), asm.JNE.Imm(asm.R0, icmp, "count"), asm.Mov.Imm(asm.R7, icmpFrames),
		asm.LoadMem(asm.R8, asm.R6, skbSegments, asm.Word).WithSymbol("count"),
		asm.JNE.Imm(asm.R8, 0, "add"), asm.Mov.Imm(asm.R8, 1),
		asm.Mov.Reg(asm.R9, asm.R7).WithSymbol("add"),
	)
	p = append(p, addTo(counts, "octets")...)
	p = append(p, asm.LoadMem(asm.R8, asm.R6, skbLen, asm.Word).WithSymbol("octets"), asm.Mov.Reg(asm.R9, asm.R7), asm.Add.Imm(asm.R9, 1))
	p = append(p, addTo(counts, "out")...)
	const pass = -1 // TC_ACT_UNSPEC: as if nobody had looked
	return append(p, asm.Mov.Imm(asm.R0, pass).WithSymbol("out"), asm.Return())
}

// addTo adds R8 to the counter whose number is in R9, and goes on at next when there is none.
func addTo(counts int, next string) asm.Instructions {
	const key = -4
	return asm.Instructions{
		asm.StoreMem(asm.R10, key, asm.R9, asm.Word),
		asm.LoadMapPtr(asm.R1, counts), asm.Mov.Reg(asm.R2, asm.R10), asm.Add.Imm(asm.R2, key),
		asm.FnMapLookupElem.Call(), asm.JEq.Imm(asm.R0, 0, next), asm.StoreXAdd(asm.R0, asm.R8, asm.DWord),
	}
}

func (a *answers) read() (c answerCount, err error) {
	var n [numAnswers]uint64
	for i := range n {
		if err := a.counts.Lookup(uint32(i), &n[i]); err != nil {
			return c, fmt.Errorf("count answers: %w", err)
		}
	}
	c.other = traffic{Frames: n[otherFrames], Octets: n[otherOctets]}
	c.icmp = traffic{Frames: n[icmpFrames], Octets: n[icmpOctets]}
	return c, nil
}

func (a *answers) close() error {
	var errs []error
	if a.program != nil {
		errs = append(errs, a.program.Close())
	}
	return errors.Join(append(errs, a.counts.Close())...)
}
