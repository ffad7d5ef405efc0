package streams

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/signals"
	tcp "github.com/tunnelbench/tunnelbench/loadgen/streams"
	"github.com/tunnelbench/tunnelbench/netns"
)

// streamWord is the first argument of this program when it runs as client or
// server. Then come the node and the plan as JSON. The process writes JSON to
// stdout:
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

// streamRole runs the client or the server.
func streamRole(args []string) error {
	if len(args) != 2 {
		return errors.New("stream: needs two arguments: node and plan")
	}
	var p tcp.Plan
	if err := json.Unmarshal([]byte(args[1]), &p); err != nil {
		return err
	}
	ctx, stop := signals.Role()
	defer stop()
	out := json.NewEncoder(os.Stdout)
	var r tcp.Result
	var err error
	if args[0] == netns.Server {
		r, err = tcp.Serve(ctx, p, func() { _ = out.Encode(struct{}{}) }) // the lab has ended
	} else {
		r, err = tcp.Run(ctx, p, func(w tcp.Window) { _ = out.Encode(w) })
	}
	if err != nil {
		return err
	}
	return out.Encode(r)
}

// streamEnd is a running client or server.
type streamEnd struct {
	node    string
	process *netns.Process
	said    *json.Decoder
	closing func() error
}

const streamGrace = 5 * time.Second

// startEnd starts a client or server process in its node. The process ends with ctx at the latest,
// and the messages from it end with the process.
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

// receive waits for the next message of the client or server. If the process ends instead, the
// error has its last line of output.
func (e *streamEnd) receive(into any) error {
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

// ended returns why the process ended, or nil while it runs.
func (e *streamEnd) ended() error {
	select {
	case <-e.process.Done():
		return e.receive(&struct{}{})
	default:
		return nil
	}
}

// close ends the process. Its output is closed first: a process counts as ended only when somebody has taken all that it said.
func (e *streamEnd) close() error {
	err := e.closing()
	select {
	case <-e.process.Done(): // receive returned the reason
	default:
		_, _ = e.process.Stop(0) // it was meant to end: killing it is no error
	}
	return err
}

// run runs one measurement. It calls begin and end when the window starts and ends.
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
	if err := server.receive(&struct{}{}); err != nil {
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
	if err := e.receive(&window); err != nil {
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
		case <-e.process.Done(): // too early: receive returns the reason
		case <-ctx.Done():
		}
		timer.Stop()
	}
	err = e.receive(&r)
	return r, err
}

// stop ends a server and reads its result.
func (e *streamEnd) stop() (r tcp.Result, err error) {
	stopped := make(chan error, 1)
	go func() {
		_, err := e.process.Stop(streamGrace)
		stopped <- err
	}()
	if err = e.receive(&r); err != nil {
		return r, errors.Join(err, <-stopped)
	}
	<-stopped // the result is complete; the exit status does not matter
	return r, nil
}
