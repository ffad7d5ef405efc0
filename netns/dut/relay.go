package dut

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/relay"
)

const relayRole = "relay"

// relayDevice passes frames between the tester's ports, and does to them what
// its parameters say: a device of known effect.
var _ = register(Tunnel{
	Order: 20,
	Name:  relayRole, Kind: Calibration, Probe: probeNothing, Builtin: true, Network: netns.Inline, Params: relayParams(),
	Doc: "the tester's two ports joined by a process of known effect",
	Check: func(values map[string]string) error {
		_, err := relay.Parse(values)
		return err
	},
	Up: func(ctx context.Context, b Env) (*Session, error) { return b.startRelay(ctx, netns.Left) },
})

func relayParams() map[string][]string {
	params := map[string][]string{}
	for _, key := range relay.Keys() {
		params[key] = nil // any value: Check knows
	}
	return params
}

// StartWAN has a relay with the bed's parameters pass what crosses the wan link,
// in a network that netns.Between has made.
func StartWAN(ctx context.Context, b Env) (*Session, error) {
	s, err := b.startRelay(ctx, netns.BetweenNode)
	if err != nil {
		return nil, fmt.Errorf("wan: %w", err)
	}
	return s, nil
}

// startRelay starts the relay in a node and returns when it has begun. It runs on
// the last of the bed's cores, where it spins unless the tester has that too.
func (b Env) startRelay(ctx context.Context, node string) (*Session, error) {
	self, err := b.self()
	if err != nil {
		return nil, err
	}
	cpu := b.CPUs[len(b.CPUs)-1]
	own, err := netns.AllowedCPUs() // the lab's, which are the tester's
	if err != nil {
		return nil, err
	}
	if slices.Contains(own, cpu) {
		params := map[string]string{"spin": "off"}
		maps.Copy(params, b.Params)
		b.Params = params
	}
	ctx, cancel := context.WithTimeout(ctx, UpTimeout)
	defer cancel()
	begun := &firstWord{said: make(chan struct{})}
	p, err := netns.Start(b.Net.NS(node), netns.Command{
		Path: self, Args: []string{roleWord, relayRole}, Env: append(os.Environ(), b.environment(sides[0])...),
		CPUs: []int{cpu}, Dir: b.Dir, Stdout: begun, Stderr: &faults{to: os.Stderr},
	})
	if err != nil {
		return nil, fmt.Errorf("start the relay: %w", err)
	}
	s := &Session{processes: []*netns.Process{p}, sides: []string{"relay's"}, spins: b.Params["spin"] != "off"}
	select {
	case <-begun.said:
		return s, nil
	case <-p.Done():
		err = s.Alive()
	case <-ctx.Done():
		err = fmt.Errorf("the relay did not begin within %v", UpTimeout)
	}
	return nil, errors.Join(err, s.Close())
}

func runRelay(ctx context.Context, e end, _ func() error) error {
	c, err := relay.Parse(e.params)
	if err != nil {
		return err
	}
	return relay.Run(ctx, c, func() { fmt.Println("begun") }, os.Stderr)
}

// firstWord is a writer that signals the first write.
type firstWord struct {
	once sync.Once
	said chan struct{}
}

func (w *firstWord) Write(b []byte) (int, error) {
	w.once.Do(func() { close(w.said) })
	return len(b), nil
}

// faults is a writer that passes on lines starting with "error:". Frames that the relay itself
// dropped are reported nowhere else.
type faults struct {
	to   io.Writer
	line []byte
}

func (w *faults) Write(b []byte) (int, error) {
	w.line = append(w.line, b...)
	for {
		line, rest, whole := bytes.Cut(w.line, []byte{'\n'})
		if !whole {
			return len(b), nil
		}
		if fault, ok := bytes.CutPrefix(line, []byte("error: ")); ok {
			fmt.Fprintf(w.to, "%s relay: %s\n", time.Now().Format(time.TimeOnly), fault)
		}
		w.line = rest
	}
}

var _ = registerRole(relayRole, runRelay)
