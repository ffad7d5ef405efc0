package live

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/fuzz/live/bpf"
	"github.com/tunnelbench/tunnelbench/netns"
)

// answers counts the frames that the attacked end sends to the unknown source. Its BPF program runs on the
// attacker's end of the link, also in quiet trials.
type answers struct{ objects bpf.AnswersObjects }

// countAnswers attaches the counter to the wan interface of a namespace (tc-bpf(8)).
func countAnswers(ns *netns.NS, to netip.Addr) (*answers, error) {
	a := &answers{}
	err := a.load(to)
	if err == nil {
		err = ns.Netlink(a.attach)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("count answers: %w", err), a.close())
	}
	return a, nil
}

func (a *answers) load(to netip.Addr) error {
	spec, err := bpf.LoadAnswers()
	if err != nil {
		return err
	}
	var words [4]uint32
	for i, b := 0, to.AsSlice(); i < len(b); i += 4 {
		words[i/4] = binary.NativeEndian.Uint32(b[i:])
	}
	var isIPv6 uint32
	if to.Is6() {
		isIPv6 = 1
	}
	err = errors.Join(spec.Variables[bpf.AnswersVarAddress].Set(words), spec.Variables[bpf.AnswersVarIsIpv6].Set(isIPv6))
	if err != nil {
		return err
	}
	return spec.LoadAndAssign(&a.objects, &ebpf.CollectionOptions{})
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
		Fd:          a.objects.Answers.FD(), Name: "answers", DirectAction: true,
	})
	if err != nil {
		return fmt.Errorf("filter: %w", err)
	}
	return nil
}

func (a *answers) read() (c answerCount, err error) {
	for key, into := range []*Traffic{&c.other, &c.icmp, &c.cookies} { // in the order of answers.c
		var n bpf.AnswersCount
		if err := a.objects.Counts.Lookup(uint32(key), &n); err != nil {
			return c, fmt.Errorf("count answers: %w", err)
		}
		into.Frames, into.Bytes = n.Frames, n.Bytes
	}
	return c, nil
}

func (a *answers) close() error { return a.objects.Close() }
