package enginetest

import (
	"context"
	"net"
	"testing"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// WireConfig connects the tester's ports directly, for frames of up to largest bytes. It needs root.
func WireConfig(t testing.TB, maxFrames uint64, largest rfc2544.FrameSize) loadgen.EngineConfig {
	t.Helper()
	_, cfg := NetworkConfig(t, netns.Wire(netns.Plan{LANMTU: largest.IP()}), maxFrames, largest)
	return cfg
}

// NetworkConfig builds a network and returns an engine configuration for the tester's ports in it. It
// needs root.
func NetworkConfig(t testing.TB, topology netns.Topology, maxFrames uint64, largest rfc2544.FrameSize) (*netns.Net, loadgen.EngineConfig) {
	t.Helper()
	n, err := netns.Build(context.Background(), topology, netns.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { Close(t, n.Close) })
	cpus, err := netns.AllowedCPUs()
	if err != nil {
		t.Fatal(err)
	}
	cfg := loadgen.EngineConfig{Tester: cpus[0], DUT: cpus[1:], MaxFrames: maxFrames, Largest: largest, Flows: loadgen.MaxFlows}
	tester := n.NS(netns.Tester)
	for i, name := range []string{netns.Port0, netns.Port1} {
		cfg.Ports[i] = loadgen.Port{Enter: tester.Do, Index: IndexOf(t, tester, name)}
	}
	return n, cfg
}

// Close calls closer and fails the test if closer returns an error.
func Close(t testing.TB, closer func() error) {
	t.Helper()
	if err := closer(); err != nil {
		t.Error(err)
	}
}

// IndexOf returns the index of an interface in a namespace.
func IndexOf(t testing.TB, ns *netns.NS, name string) (index int) {
	t.Helper()
	err := ns.Do(func() error {
		dev, err := net.InterfaceByName(name)
		if err == nil {
			index = dev.Index
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return index
}
