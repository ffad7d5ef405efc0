package dut

import (
	"fmt"

	"github.com/vishvananda/netlink"
)

// put attaches the token bucket to an interface as its root queueing discipline (tc-tbf(8)).
func (s Shape) put(h *netlink.Handle, dev string) error {
	link, err := h.LinkByName(dev)
	if err != nil {
		return fmt.Errorf("%s: %w", dev, err)
	}
	bytesPerSecond := s.Rate / 8
	err = h.QdiscAdd(&netlink.Tbf{
		QdiscAttrs: netlink.QdiscAttrs{LinkIndex: link.Attrs().Index, Handle: netlink.MakeHandle(1, 0), Parent: netlink.HANDLE_ROOT},
		Rate:       bytesPerSecond, Limit: s.Limit, Buffer: uint32(netlink.Xmittime(bytesPerSecond, s.Burst)),
	})
	if err != nil {
		return fmt.Errorf("token bucket on %s: %w", dev, err)
	}
	return nil
}

// netemQueue is the length of an emulator's queue in packets, the default of tc-netem(8).
const netemQueue = 1000

// putNetem attaches an emulator without effects to an interface as its root queueing discipline.
func putNetem(h *netlink.Handle, dev string) error {
	link, err := h.LinkByName(dev)
	if err != nil {
		return fmt.Errorf("%s: %w", dev, err)
	}
	err = h.QdiscAdd(&netlink.Netem{
		QdiscAttrs: netlink.QdiscAttrs{LinkIndex: link.Attrs().Index, Handle: netlink.MakeHandle(1, 0), Parent: netlink.HANDLE_ROOT},
		Limit:      netemQueue,
	})
	if err != nil {
		return fmt.Errorf("netem on %s: %w", dev, err)
	}
	return nil
}
