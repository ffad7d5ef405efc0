package streams

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/reexec"
	tcp "github.com/tunnelbench/tunnelbench/loadgen/streams"
	"github.com/tunnelbench/tunnelbench/netns"
)

// streamWord is the first argument by which this program is started again as a
// client or a server; the node follows, then the plan as JSON. What it says on
// stdout is JSON too:
//
//	server   {}                  when it listens      the result, after SIGTERM
//	client   a StreamWindow      when it has begun    the result
const streamWord = "__stream"

func init() {
	reexec.Register(streamWord, func(args []string) error {
		if err := streamRole(args); err != nil {
			return fmt.Errorf("stream: %w", err)
		}
		return nil
	})
}

// streamRole plays client or server.
func streamRole(args []string) error {
	if len(args) != 2 {
		return errors.New("which node, and what plan?")
	}
	var p tcp.Plan
	if err := json.Unmarshal([]byte(args[1]), &p); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	out := json.NewEncoder(os.Stdout)
	var r tcp.Result
	var err error
	if args[0] == netns.Server {
		r, err = tcp.Serve(ctx, p, func() { _ = out.Encode(struct{}{}) }) // the lab is gone, and so are we
	} else {
		r, err = tcp.Run(ctx, p, func(w tcp.Window) { _ = out.Encode(w) })
	}
	if err != nil {
		return err
	}
	return out.Encode(r)
}

// streamEnd is a client or a server that runs.
type streamEnd struct {
	node    string
	process *netns.Process
	said    *json.Decoder
	closing func() error
}

const streamGrace = 5 * time.Second

// startEnd runs one end in its node. What it says ends when it or ctx does.
func (h *Hosts) startEnd(ctx context.Context, node string, p tcp.Plan) (*streamEnd, error) {
	plan, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	r, w := io.Pipe()
	process, err := netns.Start(h.setup.Net().NS(node), netns.Command{
		Path: self, Args: []string{streamWord, node, string(plan)}, CPUs: h.lab.CPUPlan().Tester, Stdout: w,
	})
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { w.CloseWithError(context.Cause(ctx)) })
	go func() {
		<-process.Done()
		w.Close()
	}()
	h.processes = append(h.processes, process)
	return &streamEnd{node: node, process: process, said: json.NewDecoder(r), closing: func() error {
		stop()
		return r.Close()
	}}, nil
}

// hear waits for the next that the end says. When it ends instead, its last line is why.
func (e *streamEnd) hear(into any) error {
	err := e.said.Decode(into)
	if err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		<-e.process.Done()
		lines := strings.Split(strings.TrimSpace(e.process.Stderr()), "\n")
		if last := strings.TrimPrefix(lines[len(lines)-1], "stream: "); last != "" {
			return fmt.Errorf("the %s: %s", e.node, last)
		}
		return fmt.Errorf("the %s ended: %w", e.node, cmp.Or(e.process.Err(), err))
	}
	return fmt.Errorf("the %s: %w", e.node, err)
}

// ended is why the end is gone, or nil while it runs.
func (e *streamEnd) ended() error {
	select {
	case <-e.process.Done():
		return e.hear(&struct{}{})
	default:
		return nil
	}
}

func (e *streamEnd) close() error {
	select {
	case <-e.process.Done(): // why is told elsewhere
		return e.closing()
	default:
	}
	_, _ = e.process.Stop(0) // that it had to be killed is no error: it was to end
	return e.closing()
}

// run runs one measurement; begin and end are called when the window does.
func (h *Hosts) run(ctx context.Context, p tcp.Plan, begin, end func()) (r tcp.Result, err error) {
	if err := p.Validate(); err != nil {
		return r, fmt.Errorf("%w: %w", lab.ErrConfig, err)
	}
	limit := p.Limit() + streamGrace
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not over after %v", limit))
	defer cancel()
	h.processes = nil
	server, err := h.startEnd(ctx, netns.Server, p)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, server.close()) }()
	if err := server.hear(&struct{}{}); err != nil {
		return r, err
	}
	client, err := h.startEnd(ctx, netns.Client, p)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, client.close()) }()
	if r, err = client.measure(ctx, p, begin, end); err != nil {
		return r, cmp.Or(server.ended(), err)
	}
	if gone := server.ended(); gone != nil && p.Kind != tcp.Bulk {
		return r, gone
	}
	served, err := server.stop()
	r.Add(served)
	return r, err
}

// measure follows the client through the window to its result.
func (e *streamEnd) measure(ctx context.Context, p tcp.Plan, begin, end func()) (r tcp.Result, err error) {
	var window tcp.Window
	if err := e.hear(&window); err != nil {
		return r, err
	}
	began := time.Now()
	for _, at := range []struct {
		after time.Duration
		do    func()
	}{{p.Warmup, begin}, {p.Warmup + p.Duration, end}} {
		timer := time.NewTimer(time.Until(began.Add(at.after)))
		select {
		case <-timer.C:
			at.do()
		case <-e.process.Done(): // too early: hear says why
		case <-ctx.Done():
		}
		timer.Stop()
	}
	err = e.hear(&r)
	return r, err
}

// stop has a server say what it saw.
func (e *streamEnd) stop() (r tcp.Result, err error) {
	stopped := make(chan error, 1)
	go func() {
		_, err := e.process.Stop(streamGrace)
		stopped <- err
	}()
	if err = e.hear(&r); err != nil {
		return r, errors.Join(err, <-stopped)
	}
	<-stopped // it has said all: how it ended after that is nothing to us
	return r, nil
}
