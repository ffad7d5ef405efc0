package progress

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/openmetrics"
	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/signals"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/netns"
)

// word is the first argument of this program when it serves the metrics of a run.
const word = "__progress"

// child is the process that answers the readers.
type child struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	next  chan []byte   // the newest state, not yet written
	wrote chan struct{} // closed when the writer has ended
}

// Serve starts to answer readers, beside a lab that has divided the cores so, and says on w where. Without a core that measures nothing, the
// tester's are used, with the lowest priority: a reader then waits while the tester is busy.
func (b *Board) Serve(cpus netns.CPUPlan, build openmetrics.Build, w io.Writer) error {
	if b == nil {
		return nil
	}
	allowed, err := netns.AllowedCPUs()
	if err != nil {
		return err
	}
	c, err := startChild(b.server, spare(allowed, cpus), build)
	if err != nil {
		return fmt.Errorf("process for the metrics: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.child = c
	b.child.show(&b.state)
	fmt.Fprintf(w, "metrics: http://%s/metrics\n", b.server.Addr())
	return nil
}

// Close ends the serving.
func (b *Board) Close() error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	err := b.child.close()
	b.child = nil
	return errors.Join(err, b.server.Close())
}

// spare returns the cores that do not measure, or those of the tester.
func spare(allowed []int, plan netns.CPUPlan) []int {
	rest := slices.DeleteFunc(slices.Clone(allowed), func(cpu int) bool { return slices.Contains(plan.Tester, cpu) || slices.Contains(plan.DUT, cpu) })
	if len(rest) == 0 {
		return plan.Tester
	}
	return rest
}

func startChild(s *openmetrics.Server, cpus []int, build openmetrics.Build) (*child, error) {
	labels, err := json.Marshal(build)
	if err != nil {
		return nil, err
	}
	address, err := s.File()
	if err != nil {
		return nil, err
	}
	defer address.Close()
	c := &child{cmd: exec.Command("/proc/self/exe"), next: make(chan []byte, 1), wrote: make(chan struct{})}
	c.cmd.Args = []string{"tunnelbench", word, strconv.Itoa(os.Getpid()), string(labels)}
	c.cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	c.cmd.ExtraFiles, c.cmd.Stderr = []*os.File{address}, os.Stderr
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := sys.StartTethered(c.cmd, cpus); err != nil {
		return nil, errors.Join(err, c.stdin.Close())
	}
	go c.write()
	return c, nil
}

// show passes a state on. It does not wait: a newer one replaces one that the child has not taken. One goroutine at a
// time may call it.
func (c *child) show(s *State) {
	if c == nil {
		return
	}
	line, err := json.Marshal(s)
	if err != nil {
		return // a rate that is no number; results.json will say so
	}
	select {
	case <-c.next:
	default:
	}
	c.next <- append(line, '\n')
}

func (c *child) write() {
	defer close(c.wrote)
	for line := range c.next {
		if _, err := c.stdin.Write(line); err != nil {
			return // it has ended, and the run goes on
		}
	}
}

// close ends the child and waits for it.
func (c *child) close() error {
	if c == nil {
		return nil
	}
	killed := c.cmd.Process.Kill()
	close(c.next)
	<-c.wrote
	var exit *exec.ExitError
	if err := c.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return errors.Join(killed, err)
	}
	return nil
}

func init() {
	reexec.Register(word, func(args []string) error {
		if len(args) != 2 {
			return errors.New("progress: the parent's pid or the build is missing")
		}
		var build openmetrics.Build
		if err := json.Unmarshal([]byte(args[1]), &build); err != nil {
			return fmt.Errorf("progress: %w", err)
		}
		signals.LeaveToParent()
		return serve(args[0], build, sys.Inherited(3))
	})
}

// serve serves what it reads from stdin, until it ends.
func serve(parent string, build openmetrics.Build, address *os.File) error {
	if err := sys.BecomeIdle(); err != nil {
		return err
	}
	if strconv.Itoa(os.Getppid()) != parent { // it ended before prctl(PR_SET_PDEATHSIG) took effect
		return errors.New("progress: the parent has ended")
	}
	server, err := openmetrics.Inherit(address)
	if err != nil {
		return err
	}
	var newest atomic.Pointer[State]
	for states := json.NewDecoder(os.Stdin); ; {
		s := &State{}
		if err := states.Decode(s); err == io.EOF {
			return server.Close()
		} else if err != nil {
			return fmt.Errorf("progress: %w", err)
		}
		if newest.Swap(s) == nil {
			server.Serve(openmetrics.NewRegistry(build, collector{newest.Load, time.Now}))
		}
	}
}
