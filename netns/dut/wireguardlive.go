package dut

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"github.com/tunnelbench/tunnelbench/netns/dut/role"
)

// controlPatience is the time that an end may take to answer a request.
const controlPatience = 5 * time.Second

// SetPeer gives the peer of a side another preshared key and endpoint while the tunnel runs, or adds the peer that RemovePeer
// removed. It returns an error that wraps errors.ErrUnsupported for the program of a user.
func (s *Session) SetPeer(node string, w WireGuard) error {
	s.env.WireGuard[node] = w // a restart keeps it
	side, e := s.side(node)
	peer := s.env.wireGuard(side, e)
	if e.create != nil {
		return s.env.Net.NS(node).Do(func() error {
			return configureInterface(side.dev, wgtypes.Config{Peers: []wgtypes.PeerConfig{kernelPeer(peer)}})
		})
	}
	return s.request(node, peer.PeerText())
}

// RemovePeer removes the peer of a side while the tunnel runs. Its errors are those of SetPeer.
func (s *Session) RemovePeer(node string) error {
	side, e := s.side(node)
	peer := s.env.wireGuard(side, e).Peer
	if e.create != nil {
		return s.env.Net.NS(node).Do(func() error {
			return configureInterface(side.dev, wgtypes.Config{Peers: []wgtypes.PeerConfig{{PublicKey: wgtypes.Key(peer), Remove: true}}})
		})
	}
	return s.request(node, "public_key="+hex.EncodeToString(peer[:])+"\nremove=true\n")
}

func (s *Session) side(node string) (side, end) {
	i := slices.IndexFunc(sides, func(s side) bool { return s.node == node })
	return sides[i], s.ends[i]
}

// request makes a "set" operation at the control socket of a side (https://www.wireguard.com/xplatform/). The socket is found by a
// descriptor of its directory, since its path may be too long for an address.
func (s *Session) request(node, text string) error {
	dir, err := os.Open(s.env.Dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	c, err := net.Dial("unix", fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), role.ControlSocket(node)))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: the %s end has no control socket", errors.ErrUnsupported, node)
	}
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(controlPatience)); err != nil {
		return err
	}
	if _, err := c.Write([]byte("set=1\n" + text + "\n")); err != nil {
		return err
	}
	answer, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return err
	}
	if answer = strings.TrimSpace(answer); answer != "errno=0" {
		return fmt.Errorf("the %s end answers %.40q", node, answer)
	}
	return nil
}
