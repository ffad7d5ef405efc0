package calls

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/tunnelbench/tunnelbench/fuzz"
	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	wirefuzz "github.com/tunnelbench/tunnelbench/fuzz/wire"
	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/loadgen/signature"
	"github.com/tunnelbench/tunnelbench/reference/offload"
	"github.com/tunnelbench/tunnelbench/reference/wire"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

func init() {
	reexec.Register(Word, func([]string) error { return run(json.NewEncoder(os.Stdout)) })
}

// call is a function whose instructions are counted.
type call struct {
	name string
	run  func()
	size int // calls of the function in one run
}

const (
	rounds = 60         // measurements of a call, at most; the lower quartile counts
	fewest = 5          // measurements of a call, at least
	budget = 50_000_000 // instructions after which a call is measured enough
	enough = 1000       // calls in a measurement, about

	memory = 256 << 20 // bytes at which garbage is collected all the same
)

func run(out *json.Encoder) error {
	all, err := units()
	if err != nil {
		return err
	}
	all = append(all, decoders()...)
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(memory)
	for _, c := range all {
		if err := out.Encode(result.CallCost{Name: c.name, Instructions: count(c)}); err != nil {
			return err
		}
	}
	return nil
}

// count returns the instructions of one call, of a clock that counts them.
func count(c call) float64 {
	repeats := max(1, enough/c.size)
	var costs []uint64
	for spent := uint64(0); len(costs) < fewest || len(costs) < rounds && spent < budget; {
		runtime.GC() // none is due while the calls are counted
		begin := sys.Monotonic()
		for range repeats {
			c.run()
		}
		cost := sys.Monotonic() - begin
		costs, spent = append(costs, cost), spent+cost
	}
	slices.Sort(costs)
	return float64(costs[len(costs)/4]) / float64(repeats*c.size)
}

// decoders returns the fuzz targets of the tunnel's and the tester's wire formats: each runs over its
// initial inputs, but for those that are tried many times for the sake of their own cost, and with its
// checks. The name has a hash of the inputs: other inputs are another
// metric.
func decoders() (all []call) {
	for _, t := range fuzz.Targets() {
		if t.Harness == nil || t.Foreign || t.Seeds == nil || t.Packets == nil {
			continue
		}
		seeds := slices.DeleteFunc(t.Seeds(), func(s []byte) bool { return oracle.Sampled(s, wirefuzz.Costly) })
		if len(seeds) == 0 {
			continue
		}
		sum := sha256.New()
		for _, s := range seeds {
			fmt.Fprintf(sum, "%x\n", s)
		}
		all = append(all, call{fmt.Sprintf("fuzz/%s/%.4x", t.Name, sum.Sum(nil)), func() {
			for _, s := range seeds {
				t.Harness(s)
			}
		}, len(seeds)})
	}
	return all
}

// keep keeps the compiler from leaving out a call whose results nobody needs.
func keep(results ...any) { runtime.KeepAlive(results) }

// units returns the functions that handle every packet.
func units() ([]call, error) {
	var all []call
	for _, size := range []int{46, 1500} {
		datagram := make([]byte, wire.HeaderLen+size)
		wire.PutHeader(datagram, 7, 1)
		sequence := uint64(0)
		all = append(all,
			call{fmt.Sprintf("wire.PutHeader/%d", size), func() { sequence++; wire.PutHeader(datagram, 7, sequence) }, 1},
			call{fmt.Sprintf("wire.ParseDatagram/%d", size), func() { keep(wire.ParseDatagram(datagram)) }, 1})
	}
	var window wire.Window
	number := uint64(0)
	stamp := make([]byte, signature.Len)
	signature.Signature{Sequence: 5, SentAt: 99}.Put(stamp)
	all = append(all,
		call{"wire.Window.Accept", func() { number++; runtime.KeepAlive(window.Accept(number)) }, 1},
		call{"signature.Put", func() { signature.Signature{Sequence: 5, SentAt: 99}.Put(stamp) }, 1},
		call{"signature.Parse", func() { keep(signature.Parse(stamp)) }, 1})
	merged, err := merging()
	return append(all, merged...), err
}

// merging returns the calls that join packets of a flow and split what was joined, by packet.
func merging() ([]call, error) {
	const packets, octets = 32, 900
	var flow, work [][]byte
	for i := range packets {
		p, err := packet(i, octets)
		if err != nil {
			return nil, err
		}
		flow, work = append(flow, p), append(work, make([]byte, len(p)))
	}
	m := new(offload.Merger)
	join := func() []offload.Super {
		m.Reset()
		for i, p := range flow {
			copy(work[i], p)
			m.Add(work[i])
		}
		return m.Supers()
	}
	supers := join()
	if len(supers) != 1 {
		return nil, fmt.Errorf("offload: %d packets of a flow make %d super-packets, not one", packets, len(supers))
	}
	header, whole := supers[0].Header, slices.Concat(supers[0].Parts...)
	super, into := make([]byte, len(whole)), make([]byte, offload.MaxSuper)
	return []call{
		{"offload.Merger", func() { join() }, packets},
		{"offload.Splitter", func() {
			copy(super, whole)
			var s offload.Splitter
			for s.Start(header, super); s.More(); {
				s.Next(into)
			}
		}, packets},
	}, nil
}

// packet returns the nth packet of a UDP flow.
func packet(n, octets int) ([]byte, error) {
	from, to := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	ip := &layers.IPv4{Version: 4, TTL: 64, Id: uint16(n), Protocol: layers.IPProtocolUDP, SrcIP: from.AsSlice(), DstIP: to.AsSlice()}
	udp := &layers.UDP{SrcPort: 7, DstPort: 9}
	err := udp.SetNetworkLayerForChecksum(ip)
	out := gopacket.NewSerializeBuffer()
	if err == nil {
		err = gopacket.SerializeLayers(out, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ip, udp, gopacket.Payload(make([]byte, octets)))
	}
	return out.Bytes(), err
}
