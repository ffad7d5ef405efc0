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
	"github.com/tunnelbench/tunnelbench/netns/dut/role"
	"github.com/tunnelbench/tunnelbench/netns/relay"
)

// The device relay passes frames between the tester's two ports. Its parameters set the loss,
// delay and other effects exactly, so that the tester's results can be checked against them.
var _ = register(Tunnel{
	Order: 20,
	Name:  role.Relay, Kind: Calibration, Probe: probeNothing, Builtin: true, Network: netns.Inline, Params: relayParams(),
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
		params[key] = nil // any value; Check decides
	}
	return params
}

// StartWAN starts a relay with b's parameters on the WAN link. The network must have been built
// with netns.Between.
func StartWAN(ctx context.Context, b Env) (*Session, error) {
	s, err := b.startRelay(ctx, netns.BetweenNode)
	if err != nil {
		return nil, fmt.Errorf("wan: %w", err)
	}
	return s, nil
}

// startRelay starts the relay in a node and returns when the relay forwards frames. The relay
// runs on the last core in b.CPUs. It polls that core without sleeping, unless the tester uses
// the same core.
func (b Env) startRelay(ctx context.Context, node string) (*Session, error) {
	self, err := b.self()
	if err != nil {
		return nil, err
	}
	cpu := b.CPUs[len(b.CPUs)-1]
	own, err := netns.AllowedCPUs() // the cores of this process, which the tester uses
	if err != nil {
		return nil, err
	}
	if slices.Contains(own, cpu) {
		params := map[string]string{"spin": "off"}
		maps.Copy(params, b.Params)
		b.Params = params
	}
	ctx, cancel := context.WithTimeout(ctx, DefaultUpTimeout)
	defer cancel()
	begun := &firstWrite{done: make(chan struct{})}
	p, err := netns.Start(b.Net.NS(node), netns.Command{
		Path: self, Args: []string{role.Word, role.Relay}, Env: append(os.Environ(), b.environment(sides[0], end{params: b.Params, contract: contract1})...),
		CPUs: []int{cpu}, Dir: b.Dir, Stdout: begun, Stderr: &errorLines{to: os.Stderr},
	})
	if err != nil {
		return nil, fmt.Errorf("start the relay: %w", err)
	}
	s := &Session{processes: []*netns.Process{p}, sides: []string{"relay's"}, spins: b.Params["spin"] != "off"}
	select {
	case <-begun.done:
		return s, nil
	case <-p.Done():
		err = s.Alive()
	case <-ctx.Done():
		err = fmt.Errorf("the relay did not begin within %v", DefaultUpTimeout)
	}
	return nil, errors.Join(err, s.Close())
}

// firstWrite is an io.Writer that closes done at the first write and discards the data.
type firstWrite struct {
	once sync.Once
	done chan struct{}
}

func (w *firstWrite) Write(b []byte) (int, error) {
	w.once.Do(func() { close(w.done) })
	return len(b), nil
}

// errorLines is an io.Writer that forwards only lines that start with "error:". The relay reports
// frames that it lost by mistake only in these lines.
type errorLines struct {
	to   io.Writer
	line []byte
}

func (w *errorLines) Write(b []byte) (int, error) {
	w.line = append(w.line, b...)
	for {
		line, rest, complete := bytes.Cut(w.line, []byte{'\n'})
		if !complete {
			return len(b), nil
		}
		if text, ok := bytes.CutPrefix(line, []byte("error: ")); ok {
			fmt.Fprintf(w.to, "%s relay: %s\n", time.Now().Format(time.TimeOnly), text)
		}
		w.line = rest
	}
}
