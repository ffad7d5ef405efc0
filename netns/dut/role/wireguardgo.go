package role

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"runtime"
	"runtime/debug"
	"strings"

	"golang.zx2c4.com/wireguard/conn"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun"

	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// library is a device of wireguard-go or of a fork of it.
type library interface {
	IpcSet(config string) error
	IpcHandle(socket net.Conn) // until the client goes; it closes the socket
	Up() error
	Close()
	Wait() chan struct{}
}

func openWireGuardGo(e End, _ Tuning) (library, error) {
	t, err := tun.CreateTUN(e.Dev, e.MTU)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", e.Dev, err)
	}
	return device.NewDevice(t, conn.NewDefaultBind(), device.NewLogger(device.LogLevelError, e.Side+": ")), nil
}

// runLibrary returns the role of a library. It passes the configuration by a function call. The
// library's control sockets would be in one directory for both sides, where their names could collide.
func runLibrary(open func(End, Tuning) (library, error)) func(ctx context.Context, e End, ready func() error) error {
	return func(ctx context.Context, e End, ready func() error) error {
		w, err := wireGuardFromEnvironment()
		if err != nil {
			return err
		}
		tuning, err := ParseTuning(e.Params)
		if err != nil {
			return err
		}
		tuning.apply()
		d, err := open(e, tuning)
		if err != nil {
			return err
		}
		defer d.Close()
		if err := d.IpcSet(w.uapi()); err != nil {
			return fmt.Errorf("configure: %w", err)
		}
		if err := d.Up(); err != nil {
			return fmt.Errorf("bring up: %w", err)
		}
		if err := controlLibrary(ctx, d, e.Side); err != nil {
			return fmt.Errorf("control socket: %w", err)
		}
		if err := ready(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-d.Wait():
			return errors.New("the device closed by itself")
		}
	}
}

// uapi returns the configuration of an end as the text of a "set" operation (WireGuard's
// cross-platform configuration protocol).
func (w WireGuard) uapi() string {
	return fmt.Sprintf("private_key=%s\nlisten_port=%d\n%s", hex.EncodeToString(w.Private[:]), w.Port, w.PeerText())
}

// PeerText returns the part of a "set" operation that adds the peer, or gives it other values.
func (w WireGuard) PeerText() string {
	var text strings.Builder
	fmt.Fprintf(&text, "public_key=%s\n", hex.EncodeToString(w.Peer[:]))
	if w.Preshared != (wireguard.PresharedKey{}) {
		fmt.Fprintf(&text, "preshared_key=%s\n", hex.EncodeToString(w.Preshared[:]))
	}
	fmt.Fprintf(&text, "endpoint=%s\nallowed_ip=0.0.0.0/0\nallowed_ip=::/0\n", w.Endpoint)
	return text.String()
}

// Tuning holds the settings of Go's runtime that decide the speed of wireguard-go; 0 leaves the
// standard. GOMAXPROCS is the number of cores unless it is set; each garbage collection empties the
// library's pools, whose buffers have 64 KiB each.
type Tuning struct {
	Procs int // GOMAXPROCS
	GC    int // GOGC, in per cent
	Queue int // length of the queues of packets; only Tailscale's fork has a choice
}

// The most that a Tuning takes.
const (
	mostProcs = 64
	mostGC    = 10000
	mostQueue = 1 << 16
)

// ParseTuning reads the parameters gomaxprocs, gogc and queue.
func ParseTuning(params map[string]string) (t Tuning, err error) {
	var errs [3]error
	t.Procs, errs[0] = number(params, "gomaxprocs", 0, mostProcs)
	t.GC, errs[1] = number(params, "gogc", 0, mostGC)
	t.Queue, errs[2] = number(params, "queue", 0, mostQueue)
	for _, err := range errs {
		if err != nil {
			return t, err
		}
	}
	return t, nil
}

func (t Tuning) apply() {
	if t.Procs > 0 {
		runtime.GOMAXPROCS(t.Procs)
	}
	if t.GC > 0 {
		debug.SetGCPercent(t.GC)
	}
}

var _ = register(WireGuardGo, runLibrary(openWireGuardGo))
