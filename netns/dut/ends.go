package dut

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/oneline"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut/role"
	"github.com/tunnelbench/tunnelbench/netns/dut/stream"
)

// end is what the lab puts on one side of a tunnel: a program that makes an interface, a program
// that takes the LAN interface itself, or an interface of the kernel.
type end struct {
	path     string // of the program; empty: create makes the interface
	args     []string
	params   map[string]string // of this side
	contract string            // version of the exec contract
	carries  string            // Streams: it has no tunnel interface, and listens on the left; else Packets
	onLAN    bool              // it has no tunnel interface, and makes role.ReadyFile when it is ready
	create   func(b Env, s side) error
}

// hasInterface reports whether the end has a tunnel interface, which the lab configures.
func (e end) hasInterface() bool { return !e.onLAN && e.carries != Streams }

// upBoth brings up a tunnel that has the same end on both sides.
func (t Tunnel) upBoth(ctx context.Context, b Env) (*Session, error) {
	b.upTimeout, b.moreTime = t.upTimeout, t.moreTime()
	e, err := t.end(b)
	if err != nil {
		return nil, err
	}
	return b.start(ctx, [2]end{e, e})
}

// start brings up the ends of both sides, waits until they are ready and configures their interfaces.
func (b Env) start(ctx context.Context, ends [2]end) (*Session, error) {
	s := &Session{env: b, ends: ends}
	err := s.bringUp(ctx, sides...)
	if err == nil {
		err = b.connect(ends)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// bringUp starts the ends of some sides and waits until they are ready.
func (s *Session) bringUp(ctx context.Context, which ...side) error {
	limit := cmp.Or(s.env.upTimeout, DefaultUpTimeout)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for _, side := range which {
		if err := s.begin(side); err != nil {
			return err
		}
	}
	for _, side := range which {
		err := s.await(ctx, side)
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("the %s side %s within %v of its start%s%s", side.node, s.missing(side), limit, s.StderrTail(), s.env.moreTime)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// end returns the end of a side.
func (s *Session) end(side side) end {
	if side.node == sides[0].node {
		return s.ends[0]
	}
	return s.ends[1]
}

// begin starts the program of one side, or creates its interface.
func (s *Session) begin(side side) error {
	b, e := s.env, s.end(side)
	if err := b.sweep(side); err != nil {
		return err
	}
	if e.create != nil {
		if err := e.create(b, side); err != nil {
			return fmt.Errorf("%s: %w", side.node, err)
		}
		return nil
	}
	if err := os.Remove(role.ReadyFile(b.Dir, side.node)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	p, err := netns.Start(b.Net.NS(side.node), netns.Command{
		Path: e.path, Args: e.args, Env: append(inherited(), b.environment(side, e)...), CPUs: b.CPUs, Dir: b.Dir,
	})
	if err != nil {
		return fmt.Errorf("start the %s side: %w", side.node, err)
	}
	s.processes, s.sides = append(s.processes, p), append(s.sides, side.node)
	return nil
}

// inherited returns the environment of this program, less what the contract gives: a lab that is started by
// an end of another one has such values, too. PATH of a user may lack the folders of root's programs.
func inherited() []string {
	env := slices.DeleteFunc(os.Environ(), func(pair string) bool {
		return strings.HasPrefix(pair, "TB_WG_") || strings.HasPrefix(pair, "TB_PARAM_") || strings.HasPrefix(pair, "PATH=")
	})
	return append(env, "PATH="+os.Getenv("PATH")+":/usr/local/sbin:/usr/sbin:/sbin")
}

// await polls until the side is ready, a process of the tunnel has ended, or ctx is done.
func (s *Session) await(ctx context.Context, side side) error {
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for {
		if err := s.Alive(); err != nil {
			return s.exitError(err)
		}
		up, err := s.ready(side)
		if err != nil || up {
			return err
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Restart ends the program of one side, or takes the interface of the kernel away, and starts it
// again with the same keys. It returns an error that wraps errors.ErrUnsupported if nothing of the side can be
// started by itself.
func (s *Session) Restart(ctx context.Context, node string) error {
	i := slices.IndexFunc(sides, func(s side) bool { return s.node == node })
	side, far := sides[i], sides[1-i]
	if e := s.end(side); e.path == "" && e.create == nil {
		return fmt.Errorf("%w: the tunnel has no end that could be started again by itself", errors.ErrUnsupported)
	}
	for i := len(s.processes) - 1; i >= 0; i-- {
		if s.sides[i] != node {
			continue
		}
		if _, err := s.processes[i].Stop(stopGrace); err != nil {
			return err
		}
		s.processes, s.sides = slices.Delete(s.processes, i, i+1), slices.Delete(s.sides, i, i+1)
	}
	if err := s.bringUp(ctx, side); err != nil || !s.end(side).hasInterface() {
		return err
	}
	return s.env.join(side, far)
}

// ready reports whether the end of a side is ready: its interface is up, it listens, or it said so. The lab
// raises an interface of the kernel itself.
func (s *Session) ready(side side) (bool, error) {
	switch e := s.end(side); {
	case e.create != nil:
		return true, nil
	case e.carries == Streams: // on the right nothing is agreed on that could be looked at
		if side.node != netns.Left {
			return true, nil
		}
		return stream.Accepts(s.env.Net.NS(side.node))
	case e.onLAN:
		_, err := os.Stat(role.ReadyFile(s.env.Dir, side.node))
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return err == nil, err
	}
	return s.env.Net.NS(side.node).IsUp(side.dev)
}

// sweep deletes the tunnel interface that an earlier start left behind: a script that was killed does
// not take its VXLAN with it.
func (b Env) sweep(side side) error {
	err := b.Net.NS(side.node).Netlink(func(h *netlink.Handle) error {
		link, err := h.LinkByName(side.dev)
		if errors.As(err, &netlink.LinkNotFoundError{}) {
			return nil
		}
		if err != nil {
			return err
		}
		return h.LinkDel(link)
	})
	if err != nil {
		return fmt.Errorf("%s: delete the %s of an earlier start: %w", side.node, side.dev, err)
	}
	return nil
}

// missing says what a side did not do: it made no interface, or it did not raise the one it made.
func (s *Session) missing(side side) string {
	switch e := s.end(side); {
	case e.carries == Streams:
		return fmt.Sprintf("did not listen on %v", stream.Listen(s.env.IPv6))
	case e.onLAN:
		return "did not say that it is ready"
	}
	made := s.env.Net.NS(side.node).Netlink(func(h *netlink.Handle) error {
		_, err := h.LinkByName(side.dev)
		return err
	})
	if made != nil {
		return "did not bring " + side.dev + " up: it made no interface of this name"
	}
	return "did not bring " + side.dev + " up: it made it, but did not raise it (ip link set " + side.dev + " up)"
}

// Failed is Alive for a tunnel that is coming up: if a process ended with exit status 127
// (role.CannotRun), the error also wraps errors.ErrUnsupported.
func (s *Session) Failed() error {
	if err := s.Alive(); err != nil {
		return s.exitError(err)
	}
	return nil
}

// exitError returns err. If a process ended with exit status 127 (role.CannotRun), the error also
// wraps errors.ErrUnsupported.
func (s *Session) exitError(err error) error {
	for _, p := range s.processes {
		select {
		case <-p.Done():
			if p.ExitCode() == role.CannotRun {
				return fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
			}
		default:
		}
	}
	return err
}

// StderrTail returns the last line that each side has written to stderr, as text to append to an
// error. It returns "" for a tunnel without processes.
func (s *Session) StderrTail() string {
	said := ""
	for i, p := range s.processes {
		if last := oneline.Last(p.Stderr()); last != "" {
			said += fmt.Sprintf("; the %s side says: %s", s.sides[i], last)
		}
	}
	if said == "" && len(s.processes) > 0 {
		return "; neither side says anything on stderr"
	}
	return said
}
