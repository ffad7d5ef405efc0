package reference

import (
	"errors"
	"fmt"
)

// open opens the LAN port and the socket.
func open(cfg Config, peers *peerTable) (port, conn, error) {
	c, err := openUDP(cfg, peers)
	if err != nil {
		return nil, nil, err
	}
	p, err := openPort(cfg)
	if err != nil {
		return nil, nil, errors.Join(err, c.close())
	}
	return p, c, nil
}

func openPort(cfg Config) (port, error) {
	switch cfg.Port {
	case TUN:
		return openTUN(cfg)
	case XDP:
		return openXDP(cfg)
	}
	return nil, fmt.Errorf("port %q: unknown", cfg.Port)
}
