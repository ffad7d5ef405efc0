package fuzz

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tunnelbench/tunnelbench/fuzz/sealed"
	"github.com/tunnelbench/tunnelbench/fuzz/text"
	"github.com/tunnelbench/tunnelbench/fuzz/wire"
)

// Target is a decoder with its harness.
type Target struct {
	Name     string // value of `fuzz run --target`
	Doc      string
	Package  string                // the harness's folder in the module
	Function string                // name of the harness; the native target is FuzzNAME
	Harness  func([]byte) int      // nil: there is only a native target, in the decoder's package
	Seeds    func() [][]byte       // initial inputs, in addition to its testdata
	Packets  func([]byte) [][]byte // converts an input to IP packets for a capture; nil: no capture
	Embeds   bool                  // an import embeds a folder, which go-fuzz-build cannot copy
	Root     bool                  // it loads a BPF program
	Foreign  bool                  // a third-party decoder
}

const (
	wirePackage   = "fuzz/wire"
	textPackage   = "fuzz/text"
	sealedPackage = "fuzz/sealed"
)

// Targets returns all targets of the module, in the order in which they are run. A test compares them with
// the source.
func Targets() []Target {
	return []Target{
		{Name: "header", Doc: "the tunnel's header", Package: wirePackage, Function: "Header", Harness: wire.Header, Seeds: wire.HeaderSeeds, Packets: datagramTo(tunnelPort)},
		{Name: "inner", Doc: "the fields of inner packets that the tunnel reads", Package: wirePackage, Function: "Inner", Harness: wire.Inner, Seeds: wire.InnerSeeds, Packets: itself},
		{Name: "split", Doc: "super-packets of a TUN device, split", Package: wirePackage, Function: "Split", Harness: wire.Split, Seeds: wire.SplitSeeds, Packets: superPacket},
		{Name: "merge", Doc: "packets joined for a TUN device", Package: wirePackage, Function: "Merge", Harness: wire.Merge, Seeds: wire.MergeSeeds},
		{Name: "window", Doc: "the replay window, compared with a set", Package: wirePackage, Function: "Window", Harness: wire.Window, Seeds: wire.WindowSeeds},
		{Name: "decap", Doc: "the receive path of a whole end, with all its checks", Package: wirePackage, Function: "Decap", Harness: wire.Decap, Seeds: wire.DecapSeeds, Packets: message},
		{Name: "ends", Doc: "two ends and a wire that loses, reorders and damages datagrams", Package: wirePackage, Function: "Ends", Harness: wire.Ends, Seeds: wire.EndsSeeds},
		{Name: "descriptor", Doc: "AF_XDP descriptors", Package: wirePackage, Function: "Descriptor", Harness: wire.Descriptor, Seeds: wire.DescriptorSeeds},
		{Name: "signature", Doc: "the tester's signature", Package: wirePackage, Function: "Signature", Harness: wire.Signature, Seeds: wire.SignatureSeeds, Packets: datagramTo(tunnelPort)},
		{Name: "receiver", Doc: "the tester's receiver", Package: "loadgen/afpacket", Function: "Receiver"},
		{Name: "port", Doc: "the XDP program of the LAN port: which frames, including ARP and ND, belong to the tunnel", Package: "reference", Function: "Port", Root: true},
		{Name: "config", Doc: "the configuration of a tunnel", Package: textPackage, Function: "Config", Harness: text.Config, Seeds: text.ConfigSeeds},
		{Name: "results", Doc: "the reader of results.json", Package: textPackage, Function: "Results", Harness: text.Results, Seeds: text.ResultsSeeds, Embeds: true},
		{Name: "replay", Doc: "the reader of recorded trials", Package: textPackage, Function: "Replay", Harness: text.Replay, Seeds: text.ReplaySeeds},
		{Name: "set", Doc: "the reader of a gate's recorded sets", Package: "ci/gate", Function: "Set"},
		{Name: "wg-uapi", Doc: "a request at the control socket of a sealed tunnel", Package: "reference/uapi", Function: "UAPI"},
		{Name: "policy", Doc: "the policy of a gate", Package: "ci/gate", Function: "Policy"},
		{Name: "words", Doc: "loads, sizes, goals, devices of a command line", Package: textPackage, Function: "Words", Harness: text.Words, Seeds: text.WordsSeeds},
		{Name: "output", Doc: "the stderr of a tunnel", Package: textPackage, Function: "Output", Harness: text.Output, Seeds: text.OutputSeeds},
		{Name: "wg-datagram", Doc: "WireGuard's device: any message from any address", Package: sealedPackage, Function: "Datagram", Harness: sealed.Datagram, Seeds: sealed.DatagramSeeds},
		{Name: "wg-mutate", Doc: "WireGuard's device: genuine messages, changed, before the genuine one", Package: sealedPackage, Function: "Mutate", Harness: sealed.Mutate, Seeds: sealed.MutateSeeds},
		{Name: "wg-program", Doc: "two WireGuard devices, a bad wire and a clock: packets, handshakes, restarts, roaming", Package: sealedPackage, Function: "Program", Harness: sealed.Program, Seeds: sealed.ProgramSeeds},
		{Name: "wg-window", Doc: "the replay window of a WireGuard session, compared with a set", Package: sealedPackage, Function: "Window", Harness: sealed.Window, Seeds: sealed.WindowSeeds},
		{Name: "wg-allowedips", Doc: "the routing table of a sealed end, compared with a scan", Package: sealedPackage, Function: "AllowedIPs", Harness: sealed.AllowedIPs, Seeds: sealed.AllowedIPsSeeds},
		{Name: "wg-inner", Doc: "what an authentic peer may seal", Package: sealedPackage, Function: "Inner", Harness: sealed.Inner, Seeds: sealed.InnerSeeds},
		{Name: "wg-quick", Doc: "the reader of wg-quick files", Package: sealedPackage, Function: "Quick", Harness: sealed.Quick, Seeds: sealed.QuickSeeds},
		{Name: "gopacket-vxlan", Doc: "gopacket's VXLAN", Package: wirePackage, Function: "GopacketVXLAN", Harness: wire.GopacketVXLAN, Seeds: wire.LayerSeeds, Packets: datagramTo(4789), Foreign: true},
		{Name: "gopacket-geneve", Doc: "gopacket's Geneve", Package: wirePackage, Function: "GopacketGeneve", Harness: wire.GopacketGeneve, Seeds: wire.LayerSeeds, Packets: datagramTo(6081), Foreign: true},
		{Name: "gopacket-gre", Doc: "gopacket's GRE", Package: wirePackage, Function: "GopacketGRE", Harness: wire.GopacketGRE, Seeds: wire.LayerSeeds, Packets: behindIP(47), Foreign: true},
		{Name: "gopacket-gtpu", Doc: "gopacket's GTPv1-U", Package: wirePackage, Function: "GopacketGTPU", Harness: wire.GopacketGTPU, Seeds: wire.LayerSeeds, Packets: datagramTo(2152), Foreign: true},
		{Name: "gopacket-udp", Doc: "gopacket's UDP", Package: wirePackage, Function: "GopacketUDP", Harness: wire.GopacketUDP, Seeds: wire.LayerSeeds, Packets: behindIP(17), Foreign: true},
		{Name: "gopacket-ipv4", Doc: "gopacket's IPv4", Package: wirePackage, Function: "GopacketIPv4", Harness: wire.GopacketIPv4, Seeds: wire.LayerSeeds, Packets: itself, Foreign: true},
		{Name: "gopacket-ipv6", Doc: "gopacket's IPv6", Package: wirePackage, Function: "GopacketIPv6", Harness: wire.GopacketIPv6, Seeds: wire.LayerSeeds, Packets: itself, Foreign: true},
	}
}

// Find returns the target with a name.
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

// native returns the name of the target for go test.
func (t Target) native() string { return "Fuzz" + t.Function }

// RunsBy reports whether an engine can attack the target.
func (t Target) RunsBy(engine string) bool {
	return engine == nativeEngine || t.Harness != nil && !(t.Embeds && engine == goFuzzEngine)
}

// Select is the targets of a list of names by comma; an empty list is all targets
// that the engine runs and that this user may run.
func Select(names, engine string, root bool) (chosen []Target, err error) {
	if names == "" {
		for _, t := range Targets() {
			if t.RunsBy(engine) && (root || !t.Root) {
				chosen = append(chosen, t)
			}
		}
		return chosen, nil
	}
	for name := range strings.SplitSeq(names, ",") {
		t, err := Find(strings.TrimSpace(name))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if slices.Contains(Engines, engine) && !t.RunsBy(engine) {
			return nil, fmt.Errorf("%s: none of engine %s: native runs every target", t.Name, engine)
		}
		chosen = append(chosen, t)
	}
	return chosen, nil
}
