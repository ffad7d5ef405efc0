package loadgen

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"

	"github.com/tunnelbench/tunnelbench/loadgen/bpf"
)

// Drops counts what the kernel drops in some namespaces, by the reason that it
// gives itself (the tracepoint skb:kfree_skb, Linux 5.17). Each dropped packet
// costs some 100 ns more, so it is for looking, not for measuring rates.
type Drops struct {
	objects bpf.DropsObjects
	link    link.Link
	reasons map[uint32]string
}

// NewDrops loads the program and attaches it; it counts once it is armed. The
// error wraps errors.ErrUnsupported where the kernel has no such tracepoint.
func NewDrops(namespaces []uint32) (*Drops, error) {
	d := &Drops{}
	if err := d.open(namespaces); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: drop reasons: %w", errors.ErrUnsupported, err), d.Close())
	}
	return d, nil
}

func (d *Drops) open(namespaces []uint32) (err error) {
	if d.reasons, err = dropReasons(); err != nil {
		return err
	}
	if err := bpf.LoadDropsObjects(&d.objects, nil); err != nil {
		return err
	}
	for _, ns := range namespaces {
		if err := d.objects.Watched.Put(ns, uint32(1)); err != nil {
			return err
		}
	}
	for _, program := range []*ebpf.Program{d.objects.Drop, d.objects.DropOlder} {
		d.link, err = link.AttachRawTracepoint(link.RawTracepointOptions{Name: "kfree_skb", Program: program})
		if err == nil {
			return nil
		}
		d.link = nil
	}
	return err
}

// dropReasons are the kernel's names by number.
func dropReasons() (map[uint32]string, error) {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return nil, err
	}
	var enum *btf.Enum
	if err := spec.TypeByName("skb_drop_reason", &enum); err != nil {
		return nil, err
	}
	names := map[uint32]string{}
	for _, v := range enum.Values {
		name := strings.TrimPrefix(v.Name, "SKB_DROP_REASON_")
		names[uint32(v.Value)] = strings.TrimPrefix(name, "SKB_")
	}
	return names, nil
}

// Arm begins to count from zero; Disarm ends it.
func (d *Drops) Arm() error {
	var keys []bpf.DropsPlace
	var key bpf.DropsPlace
	var values []uint64
	for it := d.objects.Places.Iterate(); it.Next(&key, &values); {
		keys = append(keys, key)
	}
	for _, k := range keys {
		if err := d.objects.Places.Delete(k); err != nil {
			return fmt.Errorf("drop reasons: %w", err)
		}
	}
	return d.objects.Armed.Set(uint32(1))
}

// Disarm ends counting and returns what was counted.
func (d *Drops) Disarm() (map[DropPlace]uint64, error) {
	if err := d.objects.Armed.Set(uint32(0)); err != nil {
		return nil, fmt.Errorf("drop reasons: %w", err)
	}
	counts := map[DropPlace]uint64{}
	var key bpf.DropsPlace
	var values []uint64
	it := d.objects.Places.Iterate()
	for it.Next(&key, &values) {
		reason, known := d.reasons[key.Reason]
		if !known {
			reason = "reason " + strconv.FormatUint(uint64(key.Reason), 10)
		}
		for _, n := range values {
			counts[DropPlace{NetNS: key.Netns, Interface: int(key.Ifindex), Reason: reason}] += n
		}
	}
	if err := it.Err(); err != nil {
		return nil, fmt.Errorf("drop reasons: %w", err)
	}
	return counts, nil
}

// Close detaches and unloads the program.
func (d *Drops) Close() error {
	var err error
	if d.link != nil {
		err = d.link.Close()
	}
	return errors.Join(err, d.objects.Close())
}
