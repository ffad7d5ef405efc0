package dut

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/signals"
	"github.com/tunnelbench/tunnelbench/netns"
)

// roleWord is the first argument with which the lab starts this program again to run one side
// of a built-in tunnel. The user does not have to install another program.
const roleWord = "__dut"

// end holds the values that the exec contract passes to one side of the tunnel (docs/exec.md).
type end struct {
	side, dev, run string
	dir            string // directory that both sides share
	local, peer    netip.Addr
	local6, peer6  netip.Addr
	cpus           []int
	mtu            int
	params         map[string]string
}

// builtins maps the name of each built-in tunnel to the function that runs one side of it. The
// function carries packets until ctx is done. It calls ready when the tunnel interface exists.
var builtins = map[string]func(ctx context.Context, e end, ready func() error) error{}

func init() { reexec.Register(roleWord, builtinRole) }

// registerRole adds the function that runs one side of the built-in tunnel name. Each tunnel
// calls registerRole in its own file.
func registerRole(name string, run func(ctx context.Context, e end, ready func() error) error) string {
	builtins[name] = run
	return name
}

// builtinRole runs one side of the built-in tunnel whose name is args[0].
func builtinRole(args []string) error {
	if len(args) != 1 {
		return errors.New("which tunnel?")
	}
	err := runBuiltin(args[0])
	if err == nil {
		return nil
	}
	code := 1
	if errors.Is(err, errors.ErrUnsupported) {
		code = cannotRun
	}
	return &reexec.ExitError{Code: code, Err: fmt.Errorf("%s: %w", args[0], err)}
}

func runBuiltin(name string) error {
	run, ok := builtins[name]
	if !ok {
		return fmt.Errorf("no such role")
	}
	e, err := endFromEnvironment()
	if err != nil {
		return err
	}
	ctx, stop := signals.Role()
	defer stop()
	startVitals(e)
	return run(ctx, e, func() error { return bringUp(e.dev) })
}

func endFromEnvironment() (e end, err error) {
	e = end{side: os.Getenv("TB_SIDE"), dev: os.Getenv("TB_DEV"), run: os.Getenv("TB_RUN"), dir: os.Getenv("TB_DIR"), params: map[string]string{}}
	var errs [6]error
	e.local, errs[0] = netip.ParseAddr(os.Getenv("TB_LOCAL"))
	e.peer, errs[1] = netip.ParseAddr(os.Getenv("TB_PEER"))
	e.mtu, errs[2] = strconv.Atoi(os.Getenv("TB_MTU"))
	e.local6, errs[4] = netip.ParseAddr(os.Getenv("TB_LOCAL6"))
	e.peer6, errs[5] = netip.ParseAddr(os.Getenv("TB_PEER6"))
	e.cpus, errs[3] = netns.ParseCPUList(os.Getenv("TB_CPUS"))
	for _, pair := range os.Environ() {
		key, value, _ := strings.Cut(pair, "=")
		if name, ok := strings.CutPrefix(key, "TB_PARAM_"); ok {
			e.params[strings.ToLower(name)] = value
		}
	}
	return e, errors.Join(errs[:]...)
}

func bringUp(dev string) error {
	link, err := netlink.LinkByName(dev)
	if err != nil {
		return fmt.Errorf("%s: %w", dev, err)
	}
	return netlink.LinkSetUp(link)
}

// startSelf runs the built-in tunnel name on both sides. It starts this program, or the other
// build of this program that the user named.
func (b Env) startSelf(ctx context.Context, name string) (*Session, error) {
	self, err := b.self()
	if err != nil {
		return nil, err
	}
	return b.start(ctx, self, roleWord, name)
}

// self returns the path of the program that runs the built-in tunnel.
func (b Env) self() (string, error) {
	if b.Build != "" {
		return b.Build, nil
	}
	return os.Executable()
}

// probeTUN returns an error that wraps errors.ErrUnsupported if this process cannot create a
// TUN device.
func probeTUN(context.Context) error {
	f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("%w: cannot open /dev/net/tun (modprobe tun, or give the container the device): %w", errors.ErrUnsupported, err)
	}
	return f.Close()
}
