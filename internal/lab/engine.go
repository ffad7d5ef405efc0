package lab

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns"
)

// engine runs whole trials.
type engine interface {
	Run(ctx context.Context, p loadgen.Plan) (loadgen.Ledger, error)
	// Probe watches the cores for a while without sending; empty where the
	// engine cannot.
	Probe(ctx context.Context, d time.Duration) (map[int]time.Duration, error)
	Close() error
}

// The engines by name.
const (
	EngineAuto     = "auto" // xdp where the kernel lets us, else afpacket
	EngineXDP      = "xdp"
	EngineAFPacket = "afpacket"
)

func newEngine(_ string, cfg loadgen.EngineConfig) (engine, error) {
	return loadgen.NewXDP(cfg)
}

// openEngine puts the tester behind both its ports.
func (b *Bench) openEngine() error {
	tester := b.net.NS(netns.Tester)
	var ports [2]loadgen.Port
	for i, name := range []string{netns.Port0, netns.Port1} {
		ports[i].Enter = tester.Do
		err := tester.Do(func() error {
			dev, err := net.InterfaceByName(name)
			if err == nil {
				ports[i].Index = dev.Index
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	var err error
	b.engine, err = newEngine(b.lab.cfg.Engine, loadgen.EngineConfig{
		Ports: ports, Tester: b.lab.cpus.Tester[0], DUT: b.lab.dutCores(), MaxFrames: b.lab.cfg.MaxFrames,
	})
	if err != nil {
		return err
	}
	b.closers = append(b.closers, b.engine.Close)
	return nil
}
