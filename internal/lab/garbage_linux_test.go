package lab

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/reference/wire"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// attack is a datagram that somebody sends onto the wan link, again and again,
// towards the left end.
type attack struct {
	name     string
	from, to uint16 // ports; the addresses are the two ends'
	payload  func(i int) []byte
}

const (
	tunnelPort   = 4754
	filteredPort = 4999
	attackRate   = 50e3 // datagrams a second
	attackBurst  = 50
)

// attacks: the first is dropped by a socket's filter and costs what a datagram
// costs at least; the others are meant for the tunnel.
func attacks() []attack {
	garbage := func(i int) []byte {
		p := make([]byte, 64)
		for at := range p {
			p[at] = byte(i + 31*at)
		}
		return p
	}
	old := append(make([]byte, wire.HeaderLen), innerPacket()...)
	wire.PutHeader(old, 1, 1)
	return []attack{
		{"dropped by a filter", 6666, filteredPort, garbage},
		{"garbage of an unknown source", 6666, tunnelPort, garbage},
		{"garbage of a spoofed peer", tunnelPort, tunnelPort, garbage},
		{"replayed by a spoofed peer", tunnelPort, tunnelPort, func(int) []byte { return old }},
	}
}

// innerPacket is one that the right end may send.
func innerPacket() []byte {
	ip := &layers.IPv4{Version: 4, TTL: 9, Protocol: layers.IPProtocolUDP, SrcIP: netns.Port1Addr.AsSlice(), DstIP: netns.Port0Addr.AsSlice()}
	udp := &layers.UDP{SrcPort: 7, DstPort: 7}
	udp.SetNetworkLayerForChecksum(ip)
	return serialize(ip, udp, gopacket.Payload(make([]byte, 18)))
}

func serialize(all ...gopacket.SerializableLayer) []byte {
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, all...); err != nil {
		panic(err)
	}
	return slices.Clone(b.Bytes())
}

// frames are a burst of the attack.
func (a attack) frames() (burst [][]byte) {
	for i := range attackBurst {
		eth := &layers.Ethernet{SrcMAC: netns.RightWANMAC[:], DstMAC: netns.LeftWANMAC[:], EthernetType: layers.EthernetTypeIPv4}
		ip := &layers.IPv4{Version: 4, TTL: 9, Protocol: layers.IPProtocolUDP, SrcIP: netns.RightWAN.Addr().AsSlice(), DstIP: netns.LeftWAN.Addr().AsSlice()}
		udp := &layers.UDP{SrcPort: layers.UDPPort(a.from), DstPort: layers.UDPPort(a.to)}
		udp.SetNetworkLayerForChecksum(ip)
		burst = append(burst, serialize(eth, ip, udp, gopacket.Payload(a.payload(i))))
	}
	return burst
}

// launch sends until ctx is done, on the device's core, and returns how many it sent.
func (a attack) launch(ctx context.Context, socket *sys.PacketSocket, cpus []int) (sent int, err error) {
	runtime.LockOSThread() // the thread ends with the goroutine
	if err := sys.SetAffinity(0, cpus); err != nil {
		return 0, err
	}
	burst, start := a.frames(), time.Now()
	for ctx.Err() == nil {
		if due := int(time.Since(start).Seconds() * attackRate); due < sent+attackBurst {
			time.Sleep(200 * time.Microsecond)
			continue
		}
		n, err := socket.Send(burst)
		if err != nil {
			return sent, err
		}
		sent += n
	}
	return sent, nil
}

// discard is a socket that takes nothing.
func discard(b *testing.B, bench *Setup) {
	b.Helper()
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.SocketFilter, License: "MIT", Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { program.Close() })
	if err := bench.net.NS(netns.Left).Do(func() error {
		s, err := sys.ListenUDP(netip.AddrPortFrom(netns.LeftWAN.Addr(), filteredPort), 1<<20)
		if err != nil {
			return err
		}
		b.Cleanup(func() { s.Close() })
		return s.AttachFilter(program.FD())
	}); err != nil {
		b.Fatal(err)
	}
}

func attackSocket(b *testing.B, bench *Setup) (s *sys.PacketSocket) {
	b.Helper()
	if err := bench.net.NS(netns.Right).Do(func() error {
		wan, err := net.InterfaceByName(netns.WAN)
		if err == nil {
			s, err = sys.OpenPacket(wan.Index, 16, 2048)
		}
		return err
	}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

// BenchmarkGarbage: what the tunnel still carries, under overload, from right to left, while
// 50,000 datagrams a second hit the left end. The measure is the same attack on
// a socket whose filter drops everything: what is lost beyond that, the tunnel lost by looking.
func BenchmarkGarbage(b *testing.B) {
	const rounds = 7
	l := openLabWith(b, Settings{Direction: rfc2544.Reverse})
	bench := openBench(b, l, "reference-xdp", 64)
	discard(b, bench)
	socket := attackSocket(b, bench)
	all := attacks()
	shares := make([][]float64, len(all))
	for range b.N {
		for range rounds {
			var rates []float64
			for _, a := range all {
				rates = append(rates, underAttack(b, bench, socket, a))
			}
			for i, r := range rates {
				shares[i] = append(shares[i], 100*r/rates[0])
			}
		}
	}
	for i, a := range all {
		slices.Sort(shares[i])
		b.Logf("%-28s %5.1f %% of the goodput beside a filter (median of %d, %.1f to %.1f)",
			a.name, shares[i][len(shares[i])/2], len(shares[i]), shares[i][0], shares[i][len(shares[i])-1])
	}
}

// underAttack is the forwarding rate of a trial.
func underAttack(b *testing.B, bench *Setup, socket *sys.PacketSocket, a attack) float64 {
	b.Helper()
	ctx, stop := context.WithCancel(context.Background())
	type result struct {
		sent int
		err  error
	}
	ended := make(chan result, 1)
	start := time.Now()
	go func() {
		sent, err := a.launch(ctx, socket, bench.lab.cpus.DUT)
		ended <- result{sent, err}
	}()
	r, err := bench.Execute(ctx, bench.towards(bench.Plan(rfc2544.Trial{Size: 64, Load: 1.3e6, Duration: time.Second}), rfc2544.Reverse))
	took := time.Since(start)
	stop()
	attacked := <-ended
	if err = errors.Join(err, attacked.err); err != nil {
		b.Fatal(err)
	}
	if rate := float64(attacked.sent) / took.Seconds(); rate < 0.9*attackRate {
		b.Logf("%s: only %.0f a second", a.name, rate)
	}
	return float64(r.ForwardingRate())
}
