// Package role is what runs inside the process of one side of a built-in tunnel. The lab starts this
// program again with the word Word and the name of a role, in the environment of the exec contract
// (docs/exec.md).
//
//	lab: dut ─► process: Word NAME ─► End ─► the role carries packets until SIGTERM
//
// To add a role, add one file that calls register.
package role

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/signals"
	"github.com/tunnelbench/tunnelbench/netns"
)

// Word is the first argument with which the lab starts this program again to run one side
// of a built-in tunnel. The user does not have to install another program.
const Word = "__dut"

// End holds the values that the exec contract passes to one side of the tunnel (docs/exec.md).
type End struct {
	Side, Dev, Run string
	Dir            string // directory that both sides share
	Local, Peer    netip.Addr
	Local6, Peer6  netip.Addr
	Inner, Inner6  netip.Prefix // address of this end inside the tunnel, with the length of the tunnel's own network
	Nets, Nets6    netip.Prefix // the tester's networks behind the other end
	CPUs           []int
	MTU            int
	Params         map[string]string
}

// builtins maps the name of each built-in tunnel to the function that runs one side of it. The
// function carries packets until ctx is done. It calls ready when the tunnel interface exists.
var builtins = map[string]func(ctx context.Context, e End, ready func() error) error{}

func init() { reexec.Register(Word, builtinRole) }

// register adds the function that runs one side of the built-in tunnel name. Each tunnel
// calls register in its own file.
func register(name string, run func(ctx context.Context, e End, ready func() error) error) string {
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
		code = CannotRun
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
	return run(ctx, e, func() error { return bringUp(e.Dev) })
}

func endFromEnvironment() (e End, err error) {
	e = End{Side: os.Getenv("TB_SIDE"), Dev: os.Getenv("TB_DEV"), Run: os.Getenv("TB_RUN"), Dir: os.Getenv("TB_DIR"), Params: map[string]string{}}
	var errs [2]error
	e.MTU, errs[0] = strconv.Atoi(os.Getenv("TB_MTU"))
	e.CPUs, errs[1] = netns.ParseCPUList(os.Getenv("TB_CPUS"))
	err = errors.Join(errs[:]...)
	for key, into := range map[string]*netip.Addr{"TB_LOCAL": &e.Local, "TB_PEER": &e.Peer, "TB_LOCAL6": &e.Local6, "TB_PEER6": &e.Peer6} {
		err = errors.Join(err, into.UnmarshalText([]byte(os.Getenv(key))))
	}
	for key, into := range map[string]*netip.Prefix{"TB_INNER": &e.Inner, "TB_INNER6": &e.Inner6, "TB_NETS": &e.Nets, "TB_NETS6": &e.Nets6} {
		err = errors.Join(err, into.UnmarshalText([]byte(os.Getenv(key))))
	}
	for _, pair := range os.Environ() {
		key, value, _ := strings.Cut(pair, "=")
		if name, ok := strings.CutPrefix(key, "TB_PARAM_"); ok {
			e.Params[strings.ToLower(name)] = value
		}
	}
	return e, err
}

// The names of the roles.
const (
	Reference            = "reference"
	TailscaleWireGuardGo = "tailscale-wireguard-go"
	WireGuardGo          = "wireguard-go"
	Naive                = "naive"
	Relay                = "relay"
)

// CannotRun is the exit status of a program that cannot run on this machine.
const CannotRun = 127

// ReadyFile is the file that an end without an interface of its own makes when it is ready. dir is
// the directory that both sides share.
func ReadyFile(dir, side string) string { return filepath.Join(dir, "ready-"+side) }

func bringUp(dev string) error {
	link, err := netlink.LinkByName(dev)
	if err != nil {
		return fmt.Errorf("%s: %w", dev, err)
	}
	return netlink.LinkSetUp(link)
}
