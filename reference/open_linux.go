package reference

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/reference/settings"
)

// open opens the LAN port and the socket, whose port it notes in cfg.
func open(cfg *settings.Config, peers *peerTable) (port, conn, error) {
	c, err := openUDP(*cfg, peers)
	if err != nil {
		return nil, nil, err
	}
	number, err := c.socket.Port()
	if err != nil {
		return nil, nil, errors.Join(err, c.close())
	}
	cfg.Listen = netip.AddrPortFrom(cfg.Listen.Addr(), number)
	p, err := openPort(*cfg)
	if err != nil {
		return nil, nil, errors.Join(err, c.close())
	}
	return p, c, nil
}

// waits returns how receiving goroutines wait for packets. They keep their processor (P) while they wait,
// except with a pool, whose goroutines share the processors, and without pooling, where the garbage
// collector runs all the time and would have to take each processor back.
func waits(cfg settings.Config) sys.Processor {
	if cfg.Engine == settings.Pool || !cfg.Pooling {
		return sys.Shared
	}
	return sys.Kept
}

func openPort(cfg settings.Config) (port, error) {
	switch cfg.Port {
	case settings.TUN:
		return openTUN(cfg)
	case settings.XDP:
		return openXDP(cfg)
	}
	return nil, fmt.Errorf("unknown port kind %q", cfg.Port)
}
