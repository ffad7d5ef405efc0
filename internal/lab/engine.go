package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/loadgen/afpacket"
	"github.com/tunnelbench/tunnelbench/loadgen/xdp"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// engine runs whole trials.
type engine interface {
	Run(ctx context.Context, p loadgen.Plan) (loadgen.Ledger, error)
	Close() error
}

// The engines by name.
const (
	EngineAuto     = "auto" // xdp where kernel and privileges allow it, else afpacket
	EngineXDP      = "xdp"
	EngineAFPacket = "afpacket"
)

// newEngine opens an engine by name. With an error, what it returns is no engine, nor nil.
func newEngine(name string, cfg loadgen.EngineConfig) (engine, error) {
	if name == EngineXDP {
		return xdp.New(cfg)
	}
	return afpacket.New(cfg)
}

// openEngine opens the tester on both ports and writes the name of the engine to the settings of
// the set-up.
func (s *Setup) openEngine(ctx context.Context, cfg loadgen.EngineConfig) error {
	if s.settings.Engine == EngineAuto {
		s.settings.Engine = chooseEngine(func() error { return s.tryXDP(ctx, cfg) })
	}
	var err error
	if s.engine == nil {
		s.engine, err = newEngine(s.settings.Engine, cfg)
	}
	if err != nil {
		return err
	}
	s.closers.Push(s.engine.Close)
	return nil
}

// chooseEngine returns xdp, or afpacket if opening xdp fails on this machine or for this user.
func chooseEngine(try func() error) string {
	if err := try(); errors.Is(err, errors.ErrUnsupported) || errors.Is(err, os.ErrPermission) {
		return EngineAFPacket
	}
	return EngineXDP
}

// tryXDP opens an XDP engine and runs a trial: only this shows whether kernel and privileges suffice.
// Then it is the set-up's engine, since opening one takes half a second.
func (s *Setup) tryXDP(ctx context.Context, cfg loadgen.EngineConfig) error {
	x, err := xdp.New(cfg)
	if err != nil {
		return err
	}
	p := s.Plan(rfc2544.Trial{Size: rfc2544.MinFrame6, Load: 1000, Duration: time.Millisecond})
	p.IdleTimeout = time.Millisecond
	if _, err = x.Run(ctx, p); err == nil {
		s.engine = x
		return nil
	}
	return errors.Join(err, x.Close())
}

func (s *Setup) engineConfig(largest rfc2544.FrameSize) (cfg loadgen.EngineConfig, err error) {
	cfg = loadgen.EngineConfig{
		Tester: s.lab.cpus.Tester[0], DUT: s.lab.dutCores(), MaxFrames: s.settings.MaxFrames, Largest: max(largest, rfc2544.MinFrame6),
		Flows: s.settings.Flows, OwnProcesses: s.lab.ownProcesses(),
	}
	if cfg.Ports, err = s.ports(); err != nil {
		return cfg, err
	}
	cfg.OwnNetworks, err = s.networks()
	return cfg, err
}

// ports returns the tester's ports in this set-up's network.
func (s *Setup) ports() (ports [2]loadgen.Port, err error) {
	tester := s.net.NS(netns.Tester)
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
			return ports, fmt.Errorf("%s: %w", name, err)
		}
	}
	return ports, nil
}

// networks returns the inode numbers of the set-up's network namespaces.
func (s *Setup) networks() (inodes []uint32, err error) {
	for _, node := range s.net.Topology.Nodes {
		inode, err := s.net.NS(node).Inode()
		if err != nil {
			return nil, err
		}
		inodes = append(inodes, inode)
	}
	return inodes, nil
}
