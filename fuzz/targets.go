package fuzz

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tunnelbench/tunnelbench/fuzz/text"
	"github.com/tunnelbench/tunnelbench/fuzz/wire"
)

// Target is a decoder with its harness.
type Target struct {
	Name     string // as `fuzz run --target` takes it
	Doc      string
	Package  string                // the harness's folder in the module
	Function string                // the harness; its native target is Fuzz and this
	Harness  func([]byte) int      // nil: only the native target, which lies beside the decoder
	Seeds    func() [][]byte       // what it begins with, beside its testdata
	Packets  func([]byte) [][]byte // how a capture shows an input, as IP packets; nil: it is none
	Charts   bool                  // it imports the chart library, which go-fuzz-build cannot copy
	Root     bool                  // it loads a BPF program
	Foreign  bool                  // somebody else's decoder
}

const (
	wirePackage = "fuzz/wire"
	textPackage = "fuzz/text"
)

// Targets are all targets of the module, in the order in which they are run. A
// test compares them with the source.
func Targets() []Target {
	return []Target{
		{"header", "the tunnel's frame header", wirePackage, "Header", wire.Header, wire.HeaderSeeds, datagramTo(tunnelPort), false, false, false},
		{"inner", "what is asked of inner packets", wirePackage, "Inner", wire.Inner, wire.InnerSeeds, itself, false, false, false},
		{"split", "super-packets of a TUN device, cut up", wirePackage, "Split", wire.Split, wire.SplitSeeds, superPacket, false, false, false},
		{"merge", "packets joined for a TUN device", wirePackage, "Merge", wire.Merge, wire.MergeSeeds, nil, false, false, false},
		{"window", "the replay window, against a set", wirePackage, "Window", wire.Window, wire.WindowSeeds, nil, false, false, false},
		{"decap", "the way in of a whole end, with all its checks", wirePackage, "Decap", wire.Decap, wire.DecapSeeds, message, false, false, false},
		{"ends", "two ends and a wire that does what it likes", wirePackage, "Ends", wire.Ends, wire.EndsSeeds, nil, false, false, false},
		{"descriptor", "AF_XDP descriptors", wirePackage, "Descriptor", wire.Descriptor, wire.DescriptorSeeds, nil, false, false, false},
		{"signature", "the tester's own stamp", wirePackage, "Signature", wire.Signature, wire.SignatureSeeds, datagramTo(tunnelPort), false, false, false},
		{"receiver", "the tester's receiver", "loadgen", "Receiver", nil, nil, nil, false, false, false},
		{"port", "the XDP program of the LAN port: which frames, ARP and ND among them, are the tunnel's", "reference", "Port", nil, nil, nil, false, true, false},
		{"config", "the configuration of a tunnel", textPackage, "Config", text.Config, text.ConfigSeeds, nil, false, false, false},
		{"results", "the reader of results.json", textPackage, "Results", text.Results, text.ResultsSeeds, nil, true, false, false},
		{"replay", "the reader of recorded trials", textPackage, "Replay", text.Replay, text.ReplaySeeds, nil, false, false, false},
		{"words", "loads, sizes, goals, devices of a command line", textPackage, "Words", text.Words, text.WordsSeeds, nil, false, false, false},
		{"output", "what somebody's tunnel says on stderr", textPackage, "Output", text.Output, text.OutputSeeds, nil, false, false, false},
		{"gopacket-vxlan", "gopacket's VXLAN", wirePackage, "GopacketVXLAN", wire.GopacketVXLAN, wire.LayerSeeds, datagramTo(4789), false, false, true},
		{"gopacket-geneve", "gopacket's Geneve", wirePackage, "GopacketGeneve", wire.GopacketGeneve, wire.LayerSeeds, datagramTo(6081), false, false, true},
		{"gopacket-gre", "gopacket's GRE", wirePackage, "GopacketGRE", wire.GopacketGRE, wire.LayerSeeds, behindIP(47), false, false, true},
		{"gopacket-gtpu", "gopacket's GTPv1-U", wirePackage, "GopacketGTPU", wire.GopacketGTPU, wire.LayerSeeds, datagramTo(2152), false, false, true},
		{"gopacket-udp", "gopacket's UDP", wirePackage, "GopacketUDP", wire.GopacketUDP, wire.LayerSeeds, behindIP(17), false, false, true},
		{"gopacket-ipv4", "gopacket's IPv4", wirePackage, "GopacketIPv4", wire.GopacketIPv4, wire.LayerSeeds, itself, false, false, true},
		{"gopacket-ipv6", "gopacket's IPv6", wirePackage, "GopacketIPv6", wire.GopacketIPv6, wire.LayerSeeds, itself, false, false, true},
	}
}

// Find is the target of a name.
func Find(name string) (Target, error) {
	all := Targets()
	if i := slices.IndexFunc(all, func(t Target) bool { return t.Name == name }); i >= 0 {
		return all[i], nil
	}
	names := make([]string, len(all))
	for i, t := range all {
		names[i] = t.Name
	}
	return Target{}, fmt.Errorf("no such target: use one of %s", strings.Join(names, ", "))
}

// native is the name of the target that go test runs.
func (t Target) native() string { return "Fuzz" + t.Function }

// RunsBy tells whether an engine can attack the target.
func (t Target) RunsBy(engine string) bool {
	return engine == nativeEngine || t.Harness != nil && !(t.Charts && engine == goFuzzEngine)
}
