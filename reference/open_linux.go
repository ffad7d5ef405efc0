package reference

import "errors"

// open opens the TUN device and the socket.
func open(cfg Config) (port, conn, error) {
	c, err := openUDP(cfg)
	if err != nil {
		return nil, nil, err
	}
	p, err := openTUN(cfg)
	if err != nil {
		return nil, nil, errors.Join(err, c.close())
	}
	return p, c, nil
}
